/* The checker: a thread that walks every block, live and freed, while the others work.
 *
 * Contract. It never attaches to Python, takes no lock while it walks, and writes to no block but its `reported`
 * flag. It walks one span at a time inside a read-side critical section of liburcu's memb flavour, and between two of
 * them may end a grace period (synchronize_rcu), whose number quarantines wait for. A piece of work is short against
 * the sleep behind it: a checker that never sleeps starves the interpreter. One round is a walk over all spans that
 * there were at its start. checker_scan may be called on any thread, in signal handlers too, and looks at everything
 * at once.
 */
#pragma once

#include <stdint.h>

#include "core/wire/violation.h"

/* interval: ns of sleep at least; 0: the default. Returns 0 or -errno. */
int checker_start(uint64_t interval);
/* Ends the thread; a walk of the rest of the round is finished before. */
void checker_stop(void);

void checker_scan(enum violation_found found);

struct checker_totals {
    uint64_t rounds, blocks, nanoseconds; /* walked, and the processor time that it took */
    uint64_t present;                     /* blocks of the last whole round */
};
void checker_sum(struct checker_totals *totals);

/* Around fork: the child has no checker. */
void checker_forget(void);
