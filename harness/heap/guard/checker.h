/* The checker: a thread that walks every block, live and freed, while the others work.
 *
 * Contract. It never attaches to Python, takes no lock while it walks, and writes no member of a block but `reported`.
 * It walks one span at a time inside a read-side critical section of liburcu's memb flavour, and ends grace periods
 * between the sections (synchronize_rcu); quarantines wait for their number. A piece of work is short against the sleep
 * after it: a checker that never sleeps starves the interpreter. One round is a walk over all spans that exist at its
 * start. checker_scan checks all blocks at once, on any thread, in signal handlers too.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core/wire/violation.h"

/* interval: least sleep in ns; 0: the default. Returns 0 or -errno. */
int checker_start(uint64_t interval);
/* Ends the thread after its current round. */
void checker_stop(void);

void checker_scan(enum violation_found found);

struct checker_totals {
    uint64_t rounds, blocks, nanoseconds; /* walked, and their processor time */
    uint64_t present;                     /* blocks in the last whole round */
};
void checker_sum(struct checker_totals *totals);

/* Its thread; 0: there is none. */
pid_t checker_tid(void);

/* In the child of a fork, which has no checker thread. */
void checker_forget(void);
