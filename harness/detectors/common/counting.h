/* Counting over windows: equal numbers of calls between moments at which everything is still, so that what the calls
 * leave behind can be counted exactly. What the detectors growth, refcount and shutdown share.
 *
 * Contract. A window hook runs on child main, attached, while every worker is parked, detached, and after a collection.
 */
#pragma once

#include "core/wire/counted.h"
#include "detectors/common/detector.h"

/* The part of the calls, of COUNTED_PARTS, that the window of this number (from 1) belongs to; negative while it warms
 * up. */
static inline int counting_part(unsigned number)
{
    return number <= COUNTED_WARM_UP
               ? -1
               : (int)((number - COUNTED_WARM_UP - 1) * COUNTED_PARTS / (COUNTED_WINDOWS - COUNTED_WARM_UP));
}

struct counting_window {
    enum counted_arm arm;
    unsigned number;        /* windows that are over; 0: before the first */
    uint64_t calls;         /* made in this window, by all threads */
    uint64_t next;          /* at most so many in the next; 0: there is none */
    uint64_t iteration;     /* the first of the next */
    PyObject *const *names; /* the dicts in which the statements find their objects */
    unsigned nnames;
};
