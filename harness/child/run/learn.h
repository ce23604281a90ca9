/* What statements change for good when one thread runs them: shared Python objects and shared arrays. What they change,
 * they are for: another thread's odd value is then the sharing's, not the target's.
 *
 * Contract. Serial pass only: child main, attached.
 */
#pragma once

#include "child/run/run.h"
#include "detectors/common/detector.h"

struct learn {
    struct run *run;
    PyObject *names;       /* borrowed: the base's */
    PyObject *fingerprint; /* of the Python objects among them, NULL with a native scenario */
    unsigned looks;        /* how often the fingerprint was compared in this role */
};

void learn_begin(struct learn *learn, struct run *run, PyObject *names);

/* After every statement: what is put back before the iteration ends was changed all the same. */
void learn_after_call(struct learn *learn, const struct detector_call *call, PyObject *raised);

/* Sets run->mutable and run->changes for good. */
void learn_end(struct learn *learn, const struct space *space);
