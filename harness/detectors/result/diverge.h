/* The results of calls on one thread, for the detector `diverge`.
 *
 * Contract. Called by one thread at a time, attached, while no worker is inside a round. First diverge_begin, then
 * diverge_learn with each result of the passes before any worker, then diverge_learnt. After a round, for each diverge_next_uncertain,
 * diverge_recall with the results of a pass over the same inputs, then diverge_settle; or diverge_forget if the inputs
 * are damaged. Other iterations have other references: diverge_again, and diverge_learn with one result of each.
 */
#pragma once

#include "detectors/common/detector.h"

/* One statement of the plan, in one iteration of one lane: the workers that get the same results. */
struct diverge_step {
    unsigned role, step, lane, sample, roles; /* roles: of the plan */
    uint64_t iteration;
    const char *statement; /* the plan's, valid during the run */
};

/* A worker has seen another result. */
struct diverge_uncertain {
    unsigned role, step, lane, sample;
};

/* Makes room for references. some: results of some iterations may be missing or unfit; the others are compared. Returns
 * 0 or -ENOMEM. */
int diverge_begin(unsigned lanes, unsigned samples, unsigned steps, bool some);

/* Drops the references for others, of which each has one result, but not what is known of the statements. Fails like
 * diverge_begin. */
int diverge_again(unsigned lanes, unsigned samples, unsigned steps);

/* result: NULL if the statement raised. */
void diverge_learn(const struct diverge_step *at, PyObject *result);

/* Ends the first passes: a statement with more than one result is never compared. */
void diverge_learnt(void);

/* Returns true if results of some statement are compared. */
bool diverge_compares(void);

/* Returns LOOKED_YES if results of this statement are compared, or else *ret_why. */
enum looked diverge_looks(unsigned role, unsigned step, const char **ret_why);

/* Adds calls of workers that had their result compared. */
void diverge_count(unsigned role, unsigned step, uint64_t calls);
uint64_t diverge_counted(unsigned role, unsigned step);

/* Finds the uncertain results since the last diverge_settle, from *at on, which begins at 0. Returns false after the last. */
bool diverge_next_uncertain(unsigned *at, struct diverge_uncertain *ret);
void diverge_recall(const struct diverge_step *at, PyObject *result);

/* Reports a difference as a finding if the calls on one thread still give the first result. Else the statement depends
 * on something besides threads (random numbers, an address, the state of a module): it is no longer compared. */
void diverge_settle(struct detector_call *call);
void diverge_forget(void);
