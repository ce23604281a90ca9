/* The results of calls on one thread, for the detector `diverge`.
 *
 * Contract. Called by one thread at a time, attached, while no worker is inside a round. First diverge_learn, with each
 * result of the passes before any worker, then diverge_learnt. After a round, if diverge_is_uncertain, diverge_recall
 * with the results of a pass over the same inputs, then diverge_settle; or diverge_forget if the inputs are damaged.
 */
#pragma once

#include "detectors/common/detector.h"

/* One statement of the plan. */
struct diverge_step {
    unsigned role, step;
    const char *statement; /* the plan's, valid during the run */
};

/* result: NULL if the statement raised. */
void diverge_learn(const struct diverge_step *at, PyObject *result);

/* Ends the first passes: a statement with more than one result is never compared. */
void diverge_learnt(void);

/* Returns LOOKED_YES if results of this statement are compared, or else *ret_why. */
enum looked diverge_looks(unsigned role, unsigned step, const char **ret_why);

/* Returns true if a worker has seen another result of a statement of this role since the last diverge_settle. */
bool diverge_is_uncertain(unsigned role);
void diverge_recall(const struct diverge_step *at, PyObject *result);

/* Reports a difference as a finding if the calls on one thread still give the first result. Else the statement depends
 * on something besides threads (random numbers, an address, the state of a module): it is no longer compared. */
void diverge_settle(struct detector_call *call);
void diverge_forget(void);
