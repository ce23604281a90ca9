/* The guard's functions for signal handlers; see guard.h. Async-signal-safe. */
#include "heap/guard/guard.h"

#include "heap/guard/checker.h"
#include "heap/guard/violation_report.h"
#include "heap/memory/pages.h"
#include "heap/memory/thread.h"

/* Returns true if one instruction faults at a second block, with no heap call of its thread in between: it runs through
 * memory without end. */
static bool runs_on(const struct span *span, const uint64_t *frames, size_t nframes)
{
    static __thread struct {
        const struct span *span;
        uint64_t at, calls;
    } last __attribute__((tls_model("initial-exec")));
    const struct heap_thread *thread = heap_thread;
    uint64_t at = nframes ? frames[0] : 0, calls = thread ? thread->allocations + thread->frees : 0;
    bool same = last.at == at && last.calls == calls && last.span != span;
    last.span = span;
    last.at = at;
    last.calls = calls;
    return same;
}

bool guard_on_fault(uintptr_t address, bool write, const uint64_t *frames, size_t nframes)
{
    struct span *span =
        guard_is_on() ? region_find((const void *)address) : NULL; /* NOLINT(performance-no-int-to-ptr) */
    if (!span || span->kind == SPAN_SLAB || span_carved(span) == 0)
        return false;
    /* The first bytes of the page before a block are far from it: an overrun of the span before reaches them. */
    if (address - (uintptr_t)span->base < 64 || runs_on(span, frames, nframes))
        return false;
    /* Accesses of several threads at one block are reported once. */
    if (!atomic_load(&span->open))
        violation_report_trap(span, span->blocks, address, write, frames, nframes);
    pages_open_at(span, address);
    return true;
}

bool guard_look(uint64_t address, struct violation *ret_violation)
{
    const void *at = (const void *)(uintptr_t)address; /* NOLINT(performance-no-int-to-ptr) */
    const struct span *span = guard_is_on() ? region_find(at) : NULL;
    if (!span || span_carved(span) == 0)
        return false;
    const struct block *block = span->kind == SPAN_SLAB ? span_block(span, at) : span->blocks;
    return block && violation_report_describe(span, block, address, ret_violation);
}

void guard_scan_at_crash(void)
{
    if (guard_is_on())
        checker_scan(FOUND_CRASH);
}
