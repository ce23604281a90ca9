/* See trace.h. The depot of stacks: open addressing by hash; the thread that claims an entry fills it and publishes
 * it by its length. No entry is removed. */
#include "heap/site/trace.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "core/wire/violation.h"
#include "heap/point/point.h"
#include "heap/site/frame.h"

#define DEPTH 64
#define DEPOT 65536 /* a power of two */
#define PROBES 16
/* No return address has this bit. */
#define STORED (UINT64_C(1) << 63)

static struct stored {
    _Atomic uint64_t hash;
    _Atomic unsigned n;
    uint64_t frames[VIOLATION_FRAMES];
} depot[DEPOT];

unsigned trace_here(uint64_t *frames, unsigned n)
{
    void *found[DEPTH];
    uint32_t open = points_suspend();
    int depth = unw_backtrace(found, (int)(n < DEPTH ? n : DEPTH));
    points_resume(open);
    for (int i = 0; i < depth; i++)
        frames[i] = (uint64_t)(uintptr_t)found[i];
    return depth > 0 ? (unsigned)depth : 0;
}

void trace_prepare(void)
{
    uint64_t frames[DEPTH];
    trace_here(frames, DEPTH);
}

unsigned trace_from(uint64_t caller, uint64_t *frames, unsigned n)
{
    unsigned found = frame_walk(caller, frames, n);
    if (found > 0)
        return found;
    frames[0] = caller;
    return 1;
}

uint64_t trace_store(const uint64_t *frames, unsigned n)
{
    if (n > VIOLATION_FRAMES)
        n = VIOLATION_FRAMES;
    uint64_t hash = n + 1;
    for (unsigned i = 0; i < n; i++)
        hash = (hash ^ frames[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ hash >> 29;
    hash = hash ? hash : 1; /* 0: an unused entry */
    for (unsigned i = 0; i < PROBES; i++) {
        size_t at = (hash + i) % DEPOT;
        uint64_t there = atomic_load_explicit(&depot[at].hash, memory_order_relaxed);
        if (there == hash)
            return STORED | at;
        if (there || !atomic_compare_exchange_strong(&depot[at].hash, &there, hash))
            continue;
        memcpy(depot[at].frames, frames, n * sizeof *frames);
        atomic_store_explicit(&depot[at].n, n, memory_order_release);
        return STORED | at;
    }
    return n > 0 ? frames[0] : 0;
}

unsigned trace_expand(uint64_t site, uint64_t *frames, unsigned n)
{
    if (!(site & STORED)) {
        frames[0] = site;
        return site != 0;
    }
    const struct stored *stored = &depot[site % DEPOT];
    unsigned depth = atomic_load_explicit(&stored->n, memory_order_acquire);
    if (depth > n)
        depth = n;
    memcpy(frames, stored->frames, depth * sizeof *frames);
    return depth;
}
