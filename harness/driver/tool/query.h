/* Queries to an interpreter: a program in Python that prints JSON, as "ftstress<TAB>KEY<TAB>JSON". Driver, one
 * thread. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/sentence.h"

struct query {
    const char *source, *what, *key; /* `what` is its first argument, and the facts are its second */
    const json_t *facts;
    uint64_t limit; /* ns; 0: a minute */
};

/* Runs the program. A new reference; NULL with *error. */
json_t *query_run(const char *python, const struct query *query, struct sentence *error);
