/* Proves that no thread of a process can run again: a deadlock needs no limit of time then. Driver, one thread.
 *
 * Contract. Looks at /proc a few times a second prove it. Each thread sleeps in a private futex without a limit of time
 * and has not run since the first look: only a thread of the process could wake it. Three kinds of threads may differ:
 * the guard's checker, which naps and holds no lock; the collector, after two collections that woke no thread; and one
 * thread that waits for the others to stop, as its stack shows. Any other thread, and any signal handler that could
 * release a lock, is no proof. Where /proc or ptrace is forbidden nothing is proven. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/wire/board.h"

enum standstill_wait {
    STANDSTILL_OTHER,   /* it runs, or sleeps in a call that ends by itself or from outside */
    STANDSTILL_ENDLESS, /* in a private futex, without a limit of time */
    STANDSTILL_LIMITED, /* in a private futex, with one */
    STANDSTILL_NAP,
};

struct standstill_sight {
    pid_t tid;
    uint64_t turns; /* times that it got a processor */
    enum standstill_wait wait;
};

/* Threads of the harness, as on the board. 0: there is none. */
struct standstill_helpers {
    pid_t checker, collector;
    uint64_t collections; /* begun + ended */
};

/* Zero-initialised. */
struct standstill {
    struct standstill_sight *sights; /* of the first look */
    size_t nsights;
    struct standstill_helpers helpers; /* at the first look */
    uint64_t began, looked_at;         /* the first look and the last one; 0: none yet */
    unsigned looks;
    unsigned refuted; /* times that the stack of a thread was no proof */
};

/* The wait of a thread with these lines of /proc. */
enum standstill_wait standstill_wait_of(const char *stat, const char *call);

/* Adds a look; the array becomes its own. Returns true when the looks prove a standstill; *ret_stopping: if this thread
 * waits for the others to stop; 0: in any case. */
bool standstill_add(struct standstill *standstill, uint64_t now, struct standstill_sight *sights, size_t n,
                    struct standstill_helpers helpers, pid_t *ret_stopping);

/* Looks at the process, and at its stacks where that decides. Returns true at a standstill. */
bool standstill_look(struct standstill *standstill, pid_t pid, const struct board *board, uint64_t now);
/* Starts again, at progress. Frees all. */
void standstill_clear(struct standstill *standstill);
