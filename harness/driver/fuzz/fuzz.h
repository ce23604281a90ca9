/* A fuzzer: rounds of drawn calls, first on one thread, then under threads. Plans that show something new are kept in a
 * folder, the corpus, and changed in later rounds. The calls, their states and their children are those of a sweep.
 * Driver, one thread. */
#pragma once

#include <jansson.h>

#include "base/prng.h"
#include "driver/fuzz/fuzz_corpus.h"
#include "driver/sweep/sweep_unit.h"

struct fuzz {
    /* Set by the caller; what they point to outlives the fuzzer. */
    struct sweep *sweep;
    struct corpus corpus; /* its folder */
    char *const *targets; /* "module" or "module:callable" */
    size_t ntargets;
    /* The fuzzer's own. */
    struct prng prng;
    json_t *table;     /* inputs of the catalogue: pairs of a name and a recipe */
    json_t *entries;   /* of the catalogue, those that can be called */
    json_t *arguments; /* texts of arguments in the calls of the catalogue */
    json_t *seen;      /* keys: "callable kind of result" */
    json_t *spent;     /* keys: names of callables that failed, which get no further turn */
    json_t *rows;      /* by name: the sums of a callable */
    json_t *total;     /* the results of all rounds, in the form of unit_document */
    size_t *deck, at;  /* windows of entries in their order, and the next one */
    unsigned rounds;
    bool passed; /* each callable had a turn */
};

/* Fuzzes until the deadline of the sweep. Returns as sweep_run. */
int fuzz_run(struct fuzz *fuzz, struct run *run, json_t **ret_report, struct sentence *error);
void fuzz_clear(struct fuzz *fuzz);

/* fuzz_round.c: draws the inputs and calls of a round: sets the inputs of the catalogue. A new reference to entries. */
json_t *fuzz_draw_round(struct fuzz *fuzz);

/* fuzz_learn.c: keeps calls with a new kind of result; leaves out callables that failed. Returns 0 or -errno. */
int fuzz_learn(struct fuzz *fuzz, struct unit *unit);
/* Is the signal of the callable new? It is not the second time. */
bool fuzz_is_new(struct fuzz *fuzz, const char *name, const char *signal);

/* fuzz_combine.c: runs several calls that returned with one another under threads. Returns 0 or -errno. */
int fuzz_combine(struct fuzz *fuzz, struct unit *unit);

/* fuzz_total.c: adds the result of a unit to the sums; gives callables without a turn a row. */
void fuzz_add_total(struct fuzz *fuzz, const json_t *result);
void fuzz_end_total(struct fuzz *fuzz);
