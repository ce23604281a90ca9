/* The keys of a plan file, one row each: plan_load, plan_print and plan_clear work from this table. Plain data. */
#pragma once

#include <stddef.h>

#include "core/plan/plan.h"

#define PLAN_VALUE_SIZE 256

enum plan_kind {
    PLAN_TEXT, /* char *, as it is */
    PLAN_LINE, /* char *, without the line breaks at its end */
    PLAN_THREADS,
    PLAN_NUMBER,
    PLAN_SIZE,
    PLAN_TIME,
    PLAN_SHARE,
    PLAN_DETECT,
    PLAN_PERTURB,
    PLAN_FLAG,
    PLAN_LIST,  /* char ** and a count: statements */
    PLAN_INPUTS /* struct plan_input * and a count */
};

struct plan_key {
    const char *name;
    enum plan_kind kind;
    size_t at;    /* offset in struct plan */
    size_t size;  /* bytes of a value that is no list */
    size_t count; /* of PLAN_LIST and PLAN_INPUTS: offset of the number of entries */
};

/* In the order in which plan_print writes them. A row without a name ends the table. */
extern const struct plan_key plan_keys[];

/* Reads the value of a key that is no list. Returns 0, -ENOMEM, or -EINVAL with a sentence in `why`. */
int plan_key_read(const struct plan_key *key, const char *text, struct plan *plan, char *why,
                  size_t why_size);

/* The value as text, in the given room or in the plan. NULL: the key is left out. */
const char *plan_key_print(const struct plan_key *key, const struct plan *plan,
                           char text[static PLAN_VALUE_SIZE]);

/* The entries of a PLAN_LIST, and where their number is. */
char ***plan_key_list(const struct plan_key *key, struct plan *plan, unsigned **ret_count);

/* Frees the key's value and makes it zero. */
void plan_key_clear(const struct plan_key *key, struct plan *plan);
