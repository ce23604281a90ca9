/* What stalls led to: pairs of instructions that are reported, and calls that met a stall. See stall.h for the
 * contract: an entry of a pair is claimed by a compare-and-swap; calls are written by their own thread. A witness
 * writes the time until which a worker is expected to report, and the worker ends it; one that comes too late passes.
 */
#include "detectors/watch/stall.h"

#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/prng.h"
#include "core/plan/plan.h"
#include "detectors/common/detector.h"
#include "heap/guard/guard.h"

#define KNOWN 256 /* pairs of instructions */
#define CALLS 64  /* of a thread, the last ones that met a stall: more than one round has */
/* More than stalls and calls take, also where threads wait for a processor. */
#define SETTLE_MOST (5 * (CLOCK_SECOND / 1000))
#define NAP_NS 50000

static _Atomic uint64_t known_pairs[KNOWN];

static struct {
    _Atomic unsigned n;
    struct stall_met calls[CALLS];
    _Atomic uint64_t expects_until; /* it is about to report a pair; 0: it is not */
} logs[PLAN_THREADS_MAX];

uint64_t stall_log_pair(uintptr_t one, uintptr_t other)
{
    return prng_mix(prng_mix(one) ^ other) | 1;
}

bool stall_log_has_pair(uint64_t pair)
{
    for (unsigned i = 0; i < KNOWN; i++) {
        uint64_t there = atomic_load_explicit(&known_pairs[i], memory_order_relaxed);
        if (there == pair || !there)
            return there;
    }
    return true;
}

bool stall_log_add_pair(uint64_t pair)
{
    for (unsigned i = 0; i < KNOWN; i++) {
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&known_pairs[i], &there, pair))
            return true;
        if (there == pair)
            return false;
    }
    return false;
}

void stall_log_expect(uint16_t worker, bool is_expected)
{
    atomic_store(&logs[worker].expects_until, is_expected ? clock_now() + SETTLE_MOST : 0);
}

static bool is_expected(uint16_t own)
{
    bool expected = false;
    uint64_t now = clock_now();
    for (unsigned i = 0; i < PLAN_THREADS_MAX && !expected; i++)
        expected = i != own && atomic_load(&logs[i].expects_until) > now;
    return expected;
}

void stall_log_settle(uint16_t own)
{
    const struct timespec nap = {.tv_nsec = NAP_NS};
    uint64_t until = clock_now() + SETTLE_MOST;
    while (is_expected(own) && clock_now() < until)
        nanosleep(&nap, NULL);
}

void stall_log_add_call(uint16_t worker, const struct stall_met *met)
{
    unsigned n = atomic_load_explicit(&logs[worker].n, memory_order_relaxed);
    struct stall_met *call = &logs[worker].calls[n % CALLS];
    *call = *met;
    call->iteration = guard_context.iteration;
    atomic_store_explicit(&logs[worker].n, n + 1, memory_order_release);
}

static const struct stall_met *find(uint16_t worker, uint32_t iteration)
{
    unsigned n = worker < PLAN_THREADS_MAX ? atomic_load_explicit(&logs[worker].n, memory_order_acquire) : 0;
    for (unsigned i = 0; i < n && i < CALLS; i++) {
        const struct stall_met *met = &logs[worker].calls[(n - 1 - i) % CALLS];
        if (met->iteration == iteration)
            return met;
    }
    return NULL;
}

static void explain(const struct detector_call *call)
{
    const struct stall_met *met = find(call->worker, (uint32_t)call->iteration);
    struct record record;
    if (!met)
        return;
    const uint64_t frames[] = {met->stalled, met->other};
    record_begin(&record, RECORD_STALL, call->worker);
    record.iteration = (uint32_t)call->iteration;
    record.values[STALL_IS_NO_FINDING] = 1;
    record.values[STALL_WORD] = (int64_t)met->word;
    record.values[STALL_OWN] = met->own;
    record_add_text(&record, call->statement ? call->statement : "");
    record_add_frames(&record, frames, met->other ? 2 : 1);
    record_send(&record, call->wire);
}

void stall_log_start(void)
{
    detector_explain = explain;
}
