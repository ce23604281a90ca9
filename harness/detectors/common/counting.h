/* Counting over windows: equal numbers of calls between moments at which everything is still, so that what the calls
 * leave behind can be counted exactly. What the detectors growth, refcount and shutdown share.
 *
 * Contract. A window hook runs on child main, attached, while every worker is parked, detached, and after a collection.
 */
#pragma once

#include "core/wire/counted.h"
#include "detectors/common/detector.h"

/* What the windows are made of. */
enum counting_arm {
    ARM_CALLS,   /* the steps, again and again */
    ARM_NEW,     /* the plan's `new`: something new in each call */
    ARM_RELEASE, /* the same, and the plan's `release` after each window */
    ARMS
};

#define COUNTING_WARM_UP 2                    /* windows whose growth says nothing */
#define COUNTING_SHORT 3                      /* windows of n calls … */
#define COUNTING_LONG 3                       /* … and of 2 n */
#define COUNTING_LEAST (COUNTING_WARM_UP + 3) /* windows that say something */
#define COUNTING_WINDOWS (COUNTING_WARM_UP + COUNTING_SHORT + COUNTING_LONG)

/* The part of the calls, of COUNTED_PARTS, that the window of this number (from 1) belongs to; negative while it warms
 * up. */
static inline int counting_part(unsigned number)
{
    return number <= COUNTING_WARM_UP ? -1
                                      : (int)((number - COUNTING_WARM_UP - 1) * COUNTED_PARTS /
                                              (COUNTING_WINDOWS - COUNTING_WARM_UP));
}

struct counting_window {
    enum counting_arm arm;
    unsigned number;        /* windows that are over; 0: before the first */
    uint64_t calls;         /* made in this window, by all threads */
    uint64_t next;          /* at most so many in the next; 0: there is none */
    uint64_t iteration;     /* the first of the next */
    PyObject *const *names; /* the dicts in which the statements find their objects */
    unsigned nnames;
};
