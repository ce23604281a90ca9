/* The calls of a unit on one thread, in children that make many of them. */
#pragma once

#include "base/clock.h"
#include "driver/sweep/sweep_unit.h"

/* Calls out of time behind which a callable has no further one. */
#define SCAN_SLOW_MOST 2u
/* Processor time of a call, unless --timeout gives another limit. */
#define SCAN_LIMIT (2 * CLOCK_SECOND)

/* Which calls are made, and how. */
struct scan {
    bool (*wants)(const struct unit_call *call);
    bool is_paged;     /* with each block between inaccessible pages */
    unsigned quarters; /* processor time of the calls of a callable, in quarters of the limit of one call */
    enum call_state behind; /* the state of its other calls then; CALL_NEW: another pass makes them */
};

/* Is it a call of the next child? */
static inline bool scan_is_next(const struct unit_call *call)
{
    return call->is_due && call->state <= CALL_BEGUN;
}

/* ns of processor time of a call. */
static inline uint64_t scan_limit(const struct sweep *sweep)
{
    return REQUEST_GAVE(sweep->request, timeout) ? sweep->request->timeout : SCAN_LIMIT;
}

/* ns of processor time of the calls of a callable. */
static inline uint64_t scan_budget(const struct sweep *sweep, const struct scan *scan)
{
    return scan->quarters * scan_limit(sweep) / 4;
}

/* sweep_take.c: takes over what one child did; `window` is the number of calls between two checks of its heap. Returns
 * true where another child goes on behind a failure. */
bool scan_take(struct sweep *sweep, const struct scan *scan, struct unit *unit, unsigned window,
               const struct outcome *outcome);
