/* The blocks that a thread allocated last: their tails are checked at its next heap call, before the damage of an
 * overrun can spread.
 *
 * Contract. The calling thread's own heap_thread; inside a heap call, on its hot path.
 */
#pragma once

#include "heap/guard/violation_report.h"
#include "heap/memory/pattern.h"
#include "heap/memory/thread.h"

EXEMPT static inline bool recent_differ(const struct heap_thread *thread)
{
    uint64_t wrong = 0;
    for (unsigned i = 0; i < THREAD_RECENT; i++)
        if (thread->recent[i].tail)
            wrong |= *(const volatile uint64_t *)thread->recent[i].tail ^ thread->recent[i].pattern;
    return wrong != 0;
}

static inline void recent_check(struct heap_thread *thread)
{
    if (__builtin_expect(recent_differ(thread), 0))
        violation_report_recent(thread);
}

static inline void recent_add(struct heap_thread *thread, struct block *block)
{
    uintptr_t tail = ((uintptr_t)block_user(block) + block->size + 7) & ~(uintptr_t)7;
    thread->recent[thread->next_recent++ % THREAD_RECENT] = (struct recent){
        (const uint64_t *)tail, pattern_of(block->start), block, /* NOLINT(performance-no-int-to-ptr) */
        atomic_load_explicit(&block->word, memory_order_relaxed)};
}
