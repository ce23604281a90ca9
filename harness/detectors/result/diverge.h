/* What the child's passes of one lone thread tell the detector `diverge`; the rest of it is its descriptor.
 *
 * Contract. Called by one thread at a time, attached, while no worker is inside a round. First diverge_learn, with each
 * result of the passes that come before any worker, then diverge_learnt. After a round diverge_recall, with those of a
 * pass over the same inputs where diverge_doubts says so, then diverge_settle; or diverge_forget where the inputs are
 * damaged.
 */
#pragma once

#include "detectors/common/detector.h"

/* One statement of the plan. */
struct diverge_step {
    unsigned role, step;
    const char *statement; /* the plan's: it lives as long as the run */
};

/* The result of this statement; NULL when it raised. */
void diverge_learn(const struct diverge_step *at, PyObject *result);

/* What did not give one result is never compared. */
void diverge_learnt(void);

/* Did a worker see another result of this role that nobody has looked into? */
bool diverge_doubts(unsigned role);
void diverge_recall(const struct diverge_step *at, PyObject *result);

/* Where one thread still gives what it always gave, a difference is a finding. Else the statement depends on something
 * that is not its threads (a setup with random numbers, an address, the state of the module): it is not compared any
 * more. */
void diverge_settle(struct detector_call *call);
void diverge_forget(void);
