/* See pct.h for the contract. A thread that reads priorities while another draws them sees some of each window: it
 * waits for a wrong thread for a moment, no more. */
#include "heap/point/pct.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/prng.h"
#include "core/plan/plan.h"
#include "heap/point/point.h"

static struct {
    uint64_t seed;
    unsigned threads;
    _Alignas(64) _Atomic uint64_t points;       /* of all threads, since the round began */
    _Atomic uint32_t changes[PCT_CHANGES];      /* points of the window */
    _Atomic int32_t priority[PLAN_THREADS_MAX]; /* below 0: after a change */
    _Atomic bool works[PLAN_THREADS_MAX];
} pct;

static void draw_window(uint64_t window)
{
    struct prng prng = prng_stream(pct.seed, window);
    for (unsigned i = 0; i < pct.threads; i++) {
        unsigned other = (unsigned)(prng_next(&prng) % (i + 1));
        atomic_store_explicit(&pct.priority[i],
                              atomic_load_explicit(&pct.priority[other], memory_order_relaxed),
                              memory_order_relaxed);
        atomic_store_explicit(&pct.priority[other], (int32_t)i, memory_order_relaxed);
    }
    for (unsigned i = 0; i < PCT_CHANGES; i++)
        atomic_store_explicit(&pct.changes[i], (uint32_t)(prng_next(&prng) % PCT_POINTS),
                              memory_order_relaxed);
}

void pct_draw(uint64_t seed, unsigned threads)
{
    pct.seed = seed;
    pct.threads = threads;
    atomic_store(&pct.points, 0);
    draw_window(0);
}

void pct_enter(unsigned worker)
{
    atomic_store(&pct.works[worker], true);
}

void pct_leave(unsigned worker)
{
    atomic_store(&pct.works[worker], false);
}

static bool is_first(unsigned worker)
{
    int32_t own = atomic_load_explicit(&pct.priority[worker], memory_order_relaxed);
    for (unsigned i = 0; i < pct.threads; i++)
        if (i != worker && atomic_load_explicit(&pct.works[i], memory_order_relaxed) &&
            atomic_load_explicit(&pct.priority[i], memory_order_relaxed) > own)
            return false;
    return true;
}

void pct_pass(unsigned worker)
{
    uint64_t point = atomic_fetch_add(&pct.points, 1);
    if (point % PCT_POINTS == PCT_POINTS - 1)
        draw_window(point / PCT_POINTS + 1);
    for (int32_t i = 0; i < PCT_CHANGES; i++)
        if (atomic_load_explicit(&pct.changes[i], memory_order_relaxed) == point % PCT_POINTS)
            atomic_store_explicit(&pct.priority[worker], -1 - i, memory_order_relaxed);
    for (uint64_t end = clock_now() + POINT_MOST; !is_first(worker) && clock_now() < end;)
        sched_yield();
}
