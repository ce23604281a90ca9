/* A fuzzer: rounds of drawn calls, first on one thread, then under threads. Plans that show something new are kept in a
 * folder, the corpus, and changed in later rounds. The calls, their states and their children are those of a sweep.
 * Driver, one thread. */
#pragma once

#include <jansson.h>

#include "base/prng.h"
#include "driver/fuzz/fuzz_corpus.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_unit.h"

struct fuzz {
    /* Set by the caller; what they point to outlives the fuzzer. */
    struct sweep *sweep;
    struct corpus corpus; /* its folder */
    char *const *targets; /* "module" or "module:callable" */
    size_t ntargets;
    /* The fuzzer's own. */
    struct prng prng;
    json_t *table;   /* inputs of the catalogue: pairs of a name and a recipe */
    json_t *entries; /* of the catalogue, those that can be called */
    json_t *all;     /* the same, with those of other shards */
    json_t *own;     /* keys: names of the entries */
    json_t *names;   /* keys: names that a call may use: those of Python, of the inputs and of the targets */
    size_t checked;  /* plans of the corpus with names that were checked */
    json_t *arguments; /* texts of arguments in the calls of the catalogue */
    json_t *spent; /* by name: true (no further turn after a failure), or the round of the first failure */
    /* Keys: "callable argument" that is changed for good; "callable": all its calls were made. */
    json_t *in_place;
    json_t
        *met; /* "callable": its meetings with others under threads; "callable callable": with each other */
    json_t *returned; /* by name: texts of calls that returned, some of them */
    json_t *thin;     /* by name: callables of which most calls raised; in which round */
    json_t *turns;    /* "callable keyword,keyword": turns of such a call with itself */
    json_t *rows;     /* by name: the sums of a callable */
    json_t *others;   /* the same of callables of other shards, which stood beside those of this one */
    json_t *total;    /* the results of all rounds, in the form of unit_document */
    size_t *deck, at; /* windows of entries in their order, and the next one */
    unsigned rounds;
    uint64_t threaded;   /* time of turns with threads */
    uint64_t child_time; /* of the last search with threads, for each of its children */
    unsigned lost;       /* plans that could not be written */
    uint64_t saved;      /* clock_now() of the last state */
    size_t nsaved;       /* findings in it */
    bool passed;         /* each callable had a turn */
};

/* The kind of signal of a plan that fails; the id of the finding follows. */
#define FUZZ_FAILS "fails"

/* Fuzzes until the deadline of the sweep. The results so far are in a file under the folder of findings, from which the
 * next fuzzer of the same targets goes on if this one is killed. Returns as sweep_run. */
int fuzz_run(struct fuzz *fuzz, struct run *run, json_t **ret_report, struct sentence *error);
/* Removes that file: the report has been written. */
void fuzz_end(struct fuzz *fuzz);
void fuzz_clear(struct fuzz *fuzz);

static inline const char *fuzz_name(const struct unit *unit, size_t owner)
{
    return document_text(json_array_get(unit->entries, owner), "name");
}

/* fuzz_target.c: how deep the callable lies below its target: 1 for module.name. UINT_MAX: it is of no target. */
unsigned fuzz_depth(const struct fuzz *fuzz, const char *name);

/* fuzz_target.c: says why no target has a callable with calls. Returns an exit status with *error. */
int fuzz_why_no_entry(const struct fuzz *fuzz, struct sentence *error);

/* fuzz_target.c: is it a callable of this shard? */
bool fuzz_is_own(const struct fuzz *fuzz, const char *name);

/* Is it time for threads? They have half of all time. */
bool fuzz_is_for_threads(const struct fuzz *fuzz, uint64_t now);
/* Do they run calls with one another? Each callable has a turn before, with itself; for half of the time at most. */
bool fuzz_is_for_mixes(const struct fuzz *fuzz, uint64_t now);

/* fuzz_round.c: draws the inputs and calls of a round: sets the inputs of the catalogue. A new reference to entries. */
json_t *fuzz_draw_round(struct fuzz *fuzz);
/* fuzz_round.c: counts a turn of the calls of the unit that threads will make, each with itself. */
void fuzz_count_turns(struct fuzz *fuzz, const struct unit *unit);
/* fuzz_round.c: the inputs and calls of the plan, as they are. */
json_t *fuzz_take_plan(struct fuzz *fuzz, const struct plan *plan);

/* fuzz_round.c: the call of a statement of the plan, and its entry, if it is one of a target that is not spent
 * already; ret_entry may be NULL. The caller's, or NULL. */
char *fuzz_find_call(const struct fuzz *fuzz, const struct plan *plan, const char *statement,
                     const json_t **ret_entry);

/* fuzz_names.c: reads the files of the corpus that are new. Leaves out plans with calls that name what the fuzzer does
 * not have, with a note. */
void fuzz_read_corpus(struct fuzz *fuzz);
/* The keys that fuzz->names has. A new reference. */
json_t *fuzz_list_names(const struct fuzz *fuzz);
/* The first name that the call reads and that is neither one of the keys of `names` nor an input of the plan. The
 * caller's; NULL: there is none, or the call binds names of its own. */
char *fuzz_find_undefined(const json_t *names, const struct plan *plan, const char *text);

/* fuzz_in_place.c: learns which arguments the calls of the unit change for good, before calls that failed are tried
 * alone. Returns 0 or -errno. */
int fuzz_learn_in_place(struct fuzz *fuzz, struct unit *unit);

/* fuzz_learn.c: keeps calls with a new kind of result, and those that failed; leaves out callables that failed. Returns
 * 0 or -errno. */
int fuzz_learn(struct fuzz *fuzz, struct unit *unit);
/* Writes the plan to the corpus. Returns 0 or -ENOMEM. */
int fuzz_keep(struct fuzz *fuzz, struct plan *plan, const char *signals);
bool fuzz_is_spent(const struct fuzz *fuzz, const char *name);

/* fuzz_combine.c: runs several calls that returned with one another under threads. Returns 0 or -errno. */
int fuzz_combine(struct fuzz *fuzz, struct unit *unit);
/* Runs all calls of the unit that returned with one another, as the plan does. */
int fuzz_combine_plan(struct fuzz *fuzz, struct unit *unit, const struct plan *plan);

/* fuzz_replay.c: runs the plans of the corpus that failed on an earlier night, first of all. Returns 0 or -errno. */
int fuzz_replay(struct fuzz *fuzz);
/* clock_now() at which the turn of a plan ends, if all of them end at `until` and this number has no turn yet. */
uint64_t fuzz_turn_end(uint64_t now, uint64_t until, size_t plans);

/* fuzz_total.c: adds the result of a unit to the sums; gives callables without a turn a row. */
void fuzz_add_total(struct fuzz *fuzz, const json_t *result);
void fuzz_end_total(struct fuzz *fuzz);
/* Goes on from the results of a fuzzer that was killed. Returns 0 or -errno; -EBUSY: another process has the folder. */
int fuzz_open_total(struct fuzz *fuzz, json_t *environment);
/* Writes the results so far, at once if there are new findings. */
void fuzz_save_total(struct fuzz *fuzz);
