/* The windows of a counting run: equal numbers of calls between moments at which all threads wait, so that objects and
 * blocks can be counted exactly. For the detectors growth, refcount and shutdown.
 *
 * Contract. A window hook runs on child main, attached, while every worker is parked, detached, and after a collection.
 */
#pragma once

#include "core/wire/counted.h"
#include "detectors/common/detector.h"

/* The part of the calls, of COUNTED_PARTS, that contains the window of this number (from 1); negative for the first
 * windows. */
static inline int counting_part(unsigned number)
{
    return number <= COUNTED_WARM_UP
               ? -1
               : (int)((number - COUNTED_WARM_UP - 1) * COUNTED_PARTS / (COUNTED_WINDOWS - COUNTED_WARM_UP));
}

struct plan;

struct counting_window {
    const struct plan *plan;
    enum counted_arm arm;
    unsigned number;        /* completed windows; 0: before the first */
    uint64_t calls;         /* in this window, of all threads */
    uint64_t next;          /* most calls in the next window; 0: there is none */
    uint64_t iteration;     /* the first of the next window */
    PyObject *const *names; /* the dicts that the statements run in */
    unsigned nnames;
    PyObject *codes; /* list of the code of the statements */
};
