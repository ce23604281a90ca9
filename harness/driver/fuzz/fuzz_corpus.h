/* The corpus of a fuzzer: a folder of plan files. Several fuzzers may share it: a file is written as a whole, under a name
 * that its text gives. Driver, one thread. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "core/plan/plan.h"

struct corpus {
    const char *dir; /* set by the caller */
    struct plan *plans;
    size_t n;
    json_t *names;   /* keys: files that were read */
    unsigned kept;   /* by this fuzzer */
    unsigned unread; /* files that are no plans */
};

/* Makes the folder. Returns 0 or -errno. */
int corpus_open(struct corpus *corpus);
void corpus_clear(struct corpus *corpus);

/* Reads the files that are new. Adds a note for each one that is no plan, and leaves it out. */
void corpus_read(struct corpus *corpus, json_t *notes);

/* Writes the plan, unless it is there. Returns 0 or -errno. */
int corpus_keep(struct corpus *corpus, const struct plan *plan);
