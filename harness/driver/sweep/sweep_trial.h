/* Trials of a sweep: plans of some of its calls. */
#pragma once

#include "driver/mode/mode.h"
#include "driver/sweep/sweep_unit.h"

/* What a session of a sweep differs in. */
struct trial {
    struct plan plan;
    const struct member_set *members; /* or NULL: the mode's */
    uint64_t verify;
    bool is_search; /* its findings are tried again before they count */
};

/* Runs the plan and keeps its findings. *ret_report: a new reference, or NULL. Returns 0 or -errno. */
int trial_run(struct sweep *sweep, struct unit *unit, const struct trial *trial, json_t **ret_report);

/* Cuts a time at trials_end of the sweep, but for the least that is of use. */
uint64_t trial_cut(const struct sweep *sweep, uint64_t time, uint64_t least);

/* Begins a plan without statements. */
void trial_begin(const struct sweep *sweep, const char *name, struct plan *plan);

/* Adds an import to the setup. Returns 0 or -ENOMEM. */
int trial_add_import(struct plan *plan, const char *module);

/* Adds one call as a statement. object: the name of its object, or the expression that makes it; or NULL. Returns 0 or
 * -errno. */
int trial_add_step(const struct sweep *sweep, const struct unit *unit, const struct unit_call *call,
                   const char *object, struct plan *plan);

/* The name that the setup gives to the object of a callable: the same in each sweep, because signatures may have it.
 * The caller's, or NULL without memory. */
char *trial_name_object(const struct unit *unit, const struct unit_call *call);

/* Adds one call as a statement, on an object with this name that the setup makes and all threads share; NULL: the call
 * has no object. Returns 0 or -errno. */
int trial_add_call_on(const struct sweep *sweep, const struct unit *unit, const struct unit_call *call,
                      const char *object, struct plan *plan);

/* The same, on the object of its callable. */
int trial_add_call(const struct sweep *sweep, const struct unit *unit, const struct unit_call *call,
                   struct plan *plan);

/* Threads of a plan with threads: those of the request, or the default. */
uint32_t trial_threads(const struct sweep *sweep);

/* Adds the ids of the findings to the row of a callable. */
void trial_add_ids(json_t *row, const json_t *findings);
