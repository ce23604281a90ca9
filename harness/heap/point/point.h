/* Points: places in a worker where a perturbation may delay it for a moment, so that other threads run in between.
 *
 * Contract. points_draw is called on the main thread while no worker is inside a round; the other functions on any
 * thread. point_here is the calling thread's own. It lets points count only in a worker, between point_open and
 * point_close, so that neither the harness nor other threads are delayed. A point is passed without a lock of the
 * harness, attached or not; a wait there spins or yields for at most POINT_MOST, never blocks and never allocates, so
 * that a stop-the-world collection does not wait longer than that. What is drawn depends on the plan's seed, the round
 * and the worker alone; when a thread is due depends on the clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/plan/perturb.h"

#define POINT_MOST UINT64_C(100000) /* ns */

struct point_here {
    uint32_t open;  /* bits of enum perturb that count now */
    uint32_t until; /* points to pass before the next reading of the clock */
};

extern __thread struct point_here point_here __attribute__((tls_model("initial-exec")));

/* Draws what a round does with these bits of enum perturb. */
void points_draw(uint32_t perturb, uint64_t seed, uint64_t round, unsigned threads);

/* The worker begins the round: after the barrier, in a moment that it draws. */
void point_begin(unsigned worker);
void point_end(void);

/* Waits out a skew after a meeting of all threads. */
void point_skew(void);

/* Sleeps, where it is this thread's turn. Detached. */
void point_starve(void);

/* Waits, where the time of this thread's next delay has come. */
void point_wait(void);

/* Written while the workers wait: the bits of enum perturb that count in this round's calls. */
extern uint32_t points_open;

/* The loader's code: it allocates with its own lock held. */
extern struct point_loader {
    uintptr_t start, size;
} point_loader;

/* Between these, no point counts: around a library that locks. */
static inline uint32_t points_suspend(void)
{
    uint32_t open = point_here.open;
    point_here.open = 0;
    return open;
}

static inline void points_resume(uint32_t open)
{
    point_here.open = open;
}

static inline bool point_counts(enum perturb kind)
{
    return __builtin_expect(point_here.open & (uint32_t)kind, 0);
}

static inline void point_pass(enum perturb kind)
{
    if (point_counts(kind) && --point_here.until == 0)
        point_wait();
}

/* Around a call of a worker. Each is a point of PERTURB_DELAY. */
static inline void point_open(void)
{
    point_here.open = points_open;
    point_pass(PERTURB_DELAY);
}

static inline void point_close(void)
{
    point_pass(PERTURB_DELAY);
    point_here.open = 0;
}

/* After a heap call, outside of all locks of the heap. caller: its return address. */
static inline void point_pass_heap(uint64_t caller)
{
    if (point_counts(PERTURB_ALLOC) && (uintptr_t)caller - point_loader.start >= point_loader.size)
        point_pass(PERTURB_ALLOC);
}
