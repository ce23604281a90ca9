/* The corpus of a fuzzer: a folder of plan files. The key `about` of a plan has its signals, what it shows: "CALLABLE
 * KIND", with "; " between them. The name of a file is made from them. Several fuzzers may share the folder: a file is
 * written as a whole, and two plans with the same signals are one file. Driver, one thread. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/plan/plan.h"

#define CORPUS_SEPARATOR "; "

/* Cuts the first signal off the text at *rest, which becomes NULL behind the last one. Returns it, or NULL. */
char *corpus_next_signal(char **rest);

struct corpus {
    const char *dir; /* set by the caller */
    struct plan *plans;
    char **files; /* their names */
    size_t n, nfiles;
    json_t *names;   /* keys: files that were read */
    json_t *seen;    /* keys: signals, of these plans and others */
    json_t *counts;  /* by callable: plans for its kinds of results */
    unsigned kept;   /* by this fuzzer */
    unsigned unread; /* files that are no plans, or were left out */
};

/* Makes the folder. Returns 0 or -errno. */
int corpus_open(struct corpus *corpus);
void corpus_clear(struct corpus *corpus);

/* Reads the files that are new, and their signals. Adds a note for each one that is no plan, and leaves it out. */
void corpus_read(struct corpus *corpus, json_t *notes);

/* Leaves out a plan that was read. */
void corpus_drop(struct corpus *corpus, size_t index);

/* Is the signal new? It is not the second time. */
bool corpus_is_new(struct corpus *corpus, const char *name, const char *kind);

/* Has the callable room for one more plan of a kind of result? Counts it. */
bool corpus_has_room(struct corpus *corpus, const char *name);

/* Writes the plan with its signals, unless it is there; without signals (NULL), its text stands for them. Returns 0 or
 * -errno. */
int corpus_keep(struct corpus *corpus, struct plan *plan, const char *signals);

/* Removes a file. Returns 0 or -errno. */
int corpus_remove(const struct corpus *corpus, const char *name);

/* Is the folder a corpus: with plan files, and nothing else? */
bool corpus_is_folder(const char *dir);

/* Results of corpus_unite. */
struct corpus_union {
    size_t plans;    /* in the folder, after it */
    size_t added;    /* of the other folders */
    size_t left_out; /* plans without a signal of their own */
};

/* Adds the plans of other corpora to the folder, and leaves out plans that have no signal of their own; those without
 * signals stay. Adds notes for files that are no plans. Returns 0 or -errno. */
int corpus_unite(const char *dir, char *const *others, size_t n, json_t *notes, struct corpus_union *ret);
