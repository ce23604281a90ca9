/* Learns which shared objects and arrays the statements change for good when one thread runs them. Where they do, an
 * odd value in another thread comes from the sharing, not from a bug of the target.
 *
 * Contract. Serial pass only: child main, attached.
 */
#pragma once

#include "child/run/run.h"
#include "detectors/common/detector.h"

struct learn {
    struct run *run;
    PyObject *names;          /* borrowed from the base */
    PyObject *fingerprint;    /* of the Python objects among them; NULL with a native scenario */
    unsigned looks;           /* comparisons of the fingerprint in this role */
    PyObject *skeleton, *ids; /* of fingerprint_skeleton */
    PyObject *after;          /* fingerprint after a call that may be a first use of an object, or NULL */
    unsigned lazies;          /* such calls */
    uint64_t spent;           /* ns on learning, in this role */
};

void learn_begin(struct learn *learn, struct run *run, PyObject *names);

/* Most calls until an object is again as it was after the first one: a pool gives out its items in turn. */
#define LEARN_CYCLE 3

/* Did the statement only ask for a value, and yet an object of a package changed? Then it must be run again. */
bool learn_wants_again(struct learn *learn, const struct step *step, PyObject *result);

/* Returns true if the statement gives the same when run again, and the objects are as after its first run: a write of
 * the statement's own would go on. */
bool learn_is_lazy(struct learn *learn, PyObject *result, PyObject *again);

/* Compares after each statement, because a statement may undo the change of an earlier one. */
void learn_after_call(struct learn *learn, const struct detector_call *call, PyObject *raised);

/* Sets run->mutable and run->changes for good. */
void learn_end(struct learn *learn, const struct space *space);
