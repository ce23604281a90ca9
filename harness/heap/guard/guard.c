/* See guard.h for the contract; block.h for the order in which a block changes hands. */
#include "heap/guard/guard.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "heap/guard/check.h"
#include "heap/guard/checker.h"
#include "heap/guard/recent.h"
#include "heap/memory/large.h"
#include "heap/memory/pages.h"
#include "heap/memory/pattern.h"
#include "heap/guard/violation_report.h"
#include "heap/site/trace.h"

#define PATIENCE 10000 /* loads of a block in state CHANGING */
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

__thread struct guard_context guard_context
    __attribute__((tls_model("initial-exec"))) = {.worker = BLOCK_NOBODY};

static bool on;
static bool stacks; /* of every allocation */

/* Frames of an array's site. NumPy allocates all array data in one place; only the callers of that distinguish
 * sites. */
#define ARRAY_DEPTH 6

bool guard_is_on(void)
{
    return on;
}

/* Checks */

/* Returns non-zero if the 16 bytes before the block are damaged, or those from its end to the slot's. For blocks at
 * offset BLOCK_HEAD. */
EXEMPT static inline uint64_t canaries_differ(const struct block *block, size_t slot_size)
{
    uint64_t word = pattern_of(block->start);
    const char *end = block->start + BLOCK_HEAD + block->size, *limit = block->start + slot_size;
    const char *at = (const char *)((uintptr_t)end & ~(uintptr_t)7);
    if (limit > end + BLOCK_LOOK)
        limit = (const char *)((uintptr_t)(end + BLOCK_LOOK) & ~(uintptr_t)15);
    uint64_t wrong = (*(const pattern_word *)(const void *)at ^ word) >> (8 * ((uintptr_t)end & 7));
    at += 8;
    if ((uintptr_t)at & 8) {
        wrong |= *(const pattern_word *)(const void *)at ^ word;
        at += 8;
    }
    wrong |= pattern_differs_aligned(block->start, block->start + BLOCK_HEAD, word);
    return wrong | pattern_differs_aligned(at, limit, word);
}

/* Writes the pattern again to all checked bytes. */
static void repair(const struct span *span, const struct block *block)
{
    uint64_t word = pattern_of(block->start);
    char *user = block_user(block);
    pattern_fill(check_head_start(span, block), user, word);
    pattern_fill(user + block->size, check_tail_end(span, block), word);
}

void guard_store_stacks(bool all)
{
    stacks = all;
}

/* Allocation */

static __attribute__((noinline)) uint64_t store_stack(uint64_t caller)
{
    uint64_t frames[VIOLATION_FRAMES];
    return trace_store(frames, trace_from(caller, frames, stacks ? VIOLATION_FRAMES : ARRAY_DEPTH));
}

static inline void fill_in(struct heap_thread *thread, struct block *block, size_t size, uint32_t offset,
                           enum block_kind kind, uint64_t caller)
{
    block->size = size;
    block->offset = offset;
    block->kind = (uint8_t)kind;
    block->step = guard_context.step;
    block->iteration = guard_context.iteration;
    block->worker = guard_context.worker;
    block->sequence = ++thread->sequence;
    block->alloc_site = kind == BLOCK_ARRAY || UNLIKELY(stacks) ? store_stack(caller) : caller;
    block->free_site = 0;
    block->free_worker = BLOCK_NOBODY;
    block->array = (struct block_array){0};
    atomic_store_explicit(&block->reported, 0, memory_order_relaxed);
}

/* Reports writes to a freed slot that is about to be used again. */
static __attribute__((noinline)) void check_reuse(struct block *block)
{
    const struct span *span = region_find(block->start);
    struct damage damage = check_freed(span, block);
    if (damage.from) {
        violation_report_damage(span, block, damage, FOUND_REUSE);
        pattern_fill((char *)damage.from, damage.to, pattern_of(block->start));
    }
}

static struct block *allocate_slab(struct heap_thread *thread, size_t size, size_t align,
                                   enum block_kind kind, uint64_t caller, unsigned class)
{
    struct block *block = thread_take(thread, class);
    size_t slot_size = class_slot_size(class);
    if (UNLIKELY(!block))
        return NULL;
    if (UNLIKELY(slot_size > BLOCK_WHOLE ||
                 pattern_differs_aligned(block->start, block->start + slot_size, pattern_of(block->start))))
        check_reuse(block);
    uint32_t offset = BLOCK_HEAD;
    if (UNLIKELY(align > BLOCK_HEAD))
        offset = (uint32_t)((((uintptr_t)block->start + BLOCK_HEAD + align - 1) & ~(align - 1)) -
                            (uintptr_t)block->start);
    block_begin_change(block);
    fill_in(thread, block, size, offset, kind, caller);
    if (UNLIKELY(slot_size > BLOCK_WHOLE))
        repair(region_find(block->start), block);
    block_end_change(block, BLOCK_LIVE);
    recent_add(thread, block);
    return block;
}

static struct block *allocate_large(struct heap_thread *thread, size_t size, size_t align,
                                    enum block_kind kind, uint64_t caller, bool *ret_zero)
{
    struct block *block = large_take(size, align);
    if (!block)
        return NULL;
    struct span *span = region_find(block->start);
    *ret_zero = block_state_of(block_load(block)) == BLOCK_UNUSED;
    if (!*ret_zero)
        check_reuse(block);
    pages_close_around(span);
    block_begin_change(block);
    fill_in(thread, block, size, large_offset(span, size, align), kind, caller);
    repair(span, block);
    block_end_change(block, BLOCK_LIVE);
    return block;
}

static __attribute__((noinline)) struct block *
allocate_pages(struct heap_thread *thread, size_t size, size_t align, enum block_kind kind, uint64_t caller)
{
    struct block *block = pages_take(size, align);
    if (!block)
        return NULL;
    struct pages_trace *trace = pages_trace_of(region_find(block->start));
    fill_in(thread, block, block->size, block->offset, kind, caller);
    trace->nalloc = trace_from(caller, trace->alloc, VIOLATION_FRAMES);
    trace->nfree = 0;
    block_end_change(block, BLOCK_LIVE);
    return block;
}

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *guard_allocate(size_t size, size_t align, enum block_kind kind, bool zero, uint64_t caller)
{
    struct heap_thread *thread = thread_self();
    struct block *block = NULL;
    bool is_zero = false;
    if (UNLIKELY(!thread || size > PTRDIFF_MAX))
        return no_memory();
    recent_check(thread);
    thread->allocations++;
    if (UNLIKELY(site_wants_pages(&thread->sites, caller, guard_context.step, kind == BLOCK_ARRAY)) &&
        !guard_context.is_idle)
        block = allocate_pages(thread, size, align, kind, caller);
    if (LIKELY(!block)) {
        size_t need = size + BLOCK_HEAD + BLOCK_TAIL + (align > BLOCK_HEAD ? align : 0);
        unsigned class = class_of(need);
        block = LIKELY(class < CLASS_SLABS) ? allocate_slab(thread, size, align, kind, caller, class)
                                            : allocate_large(thread, size, align, kind, caller, &is_zero);
    }
    if (UNLIKELY(!block))
        return no_memory();
    void *user = block_user(block);
    if (zero && !is_zero)
        memset(user, 0, size);
    return user;
}

/* Release */

static void poison_slab(struct block *block, size_t slot_size)
{
    uint64_t word = pattern_of(block->start);
    char *user = block_user(block), *end = user + block->size;
    if (LIKELY(slot_size <= BLOCK_WHOLE && block->offset == BLOCK_HEAD)) {
        pattern_fill_aligned(user, (char *)(((uintptr_t)end + 15) & ~(uintptr_t)15), word);
        return;
    }
    if (slot_size <= BLOCK_WHOLE || block->size <= check_poison + BLOCK_POISON_END) {
        pattern_fill(user, end, word);
        return;
    }
    pattern_fill(user, user + check_poison, word);
    pattern_fill(end - BLOCK_POISON_END, end, word);
}

/* The slow check: blocks not at offset BLOCK_HEAD, and damaged ones. */
static __attribute__((noinline)) void check_release(const struct span *span, struct block *block)
{
    struct damage damage = check_live(span, block);
    if (!damage.from)
        return;
    violation_report_damage(span, block, damage, FOUND_FREE);
    repair(span, block);
}

static bool is_mismatch(enum block_kind made, enum block_kind freed)
{
    bool by_operator = made == BLOCK_NEW || made == BLOCK_NEW_ARRAY;
    bool to_operator = freed == BLOCK_NEW || freed == BLOCK_NEW_ARRAY;
    return (by_operator || to_operator) && made != freed;
}

/* Reports a pointer that cannot be freed. */
static __attribute__((noinline)) void refuse(const struct span *span, struct block *block, const void *at,
                                             uint64_t caller)
{
    if (!block || block->sequence == 0) {
        violation_report_foreign(at, caller);
        return;
    }
    /* Another thread may be freeing the block: waits for what it writes about itself. */
    for (unsigned i = 0; i < PATIENCE && block_state_of(block_load(block)) == BLOCK_CHANGING; i++)
        sched_yield();
    int64_t into = (const char *)at - block_user(block);
    violation_report_misuse(span, block, into ? VIOLATION_INTERIOR_FREE : VIOLATION_DOUBLE_FREE, into,
                            caller);
}

static __attribute__((noinline)) void release_rest(struct span *span, struct block *block, uint64_t caller)
{
    int saved = errno;
    check_release(span, block);
    if (span->kind == SPAN_PAGES) {
        struct pages_trace *trace = pages_trace_of(span);
        trace->nfree = trace_from(caller, trace->free, VIOLATION_FRAMES);
        pages_give(span, block);
    } else {
        poison_slab(block, span->slot_size);
        block_end_change(block, BLOCK_FREED);
        large_give(span);
    }
    errno = saved;
}

void guard_release(void *at, enum block_kind kind, uint64_t caller)
{
    struct span *span = region_find(at);
    struct block *block = span ? span_block(span, at) : NULL;
    struct heap_thread *thread = thread_self();
    if (UNLIKELY(!thread))
        return;
    recent_check(thread);
    thread->frees++;
    uint32_t word = block ? block_load(block) : 0;
    if (UNLIKELY(!block || block_user(block) != at || block_state_of(word) != BLOCK_LIVE ||
                 !atomic_compare_exchange_strong_explicit(&block->word, &word,
                                                          block_next_word(word, BLOCK_CHANGING),
                                                          memory_order_acq_rel, memory_order_relaxed))) {
        refuse(span, block, at, caller);
        return;
    }
    if (UNLIKELY(is_mismatch((enum block_kind)block->kind, kind)))
        violation_report_misuse(span, block, VIOLATION_MISMATCH, (int64_t)kind, caller);
    block->free_site = caller;
    block->free_worker = guard_context.worker;
    if (UNLIKELY(span->kind != SPAN_SLAB)) {
        release_rest(span, block, caller);
        return;
    }
    if (UNLIKELY(block->offset != BLOCK_HEAD || canaries_differ(block, span->slot_size)))
        check_release(span, block);
    poison_slab(block, span->slot_size);
    block_end_change(block, BLOCK_FREED);
    thread_quarantine(thread, block, span->class, span->slot_size);
}

/* Keeps the block in its slot if the new size has the same class. */
static bool resize(struct heap_thread *thread, const struct span *span, struct block *block, size_t size,
                   enum block_kind kind, uint64_t caller)
{
    uint32_t word = block_load(block);
    if (span->kind != SPAN_SLAB || block->offset != BLOCK_HEAD ||
        class_of(size + BLOCK_HEAD + BLOCK_TAIL) != span->class || block_state_of(word) != BLOCK_LIVE ||
        !atomic_compare_exchange_strong(&block->word, &word, block_next_word(word, BLOCK_CHANGING)))
        return false;
    if (is_mismatch((enum block_kind)block->kind, kind))
        violation_report_misuse(span, block, VIOLATION_MISMATCH, (int64_t)kind, caller);
    check_release(span, block);
    fill_in(thread, block, size, BLOCK_HEAD, (enum block_kind)block->kind, caller);
    repair(span, block);
    block_end_change(block, BLOCK_LIVE);
    return true;
}

void *guard_reallocate(void *at, size_t size, enum block_kind kind, uint64_t caller)
{
    struct span *span = region_find(at);
    struct block *block = span ? span_block(span, at) : NULL;
    if (!block || block_user(block) != at || block_state_of(block_load(block)) != BLOCK_LIVE) {
        refuse(span, block, at, caller);
        return no_memory();
    }
    struct heap_thread *thread = thread_self();
    if (thread && size <= PTRDIFF_MAX && resize(thread, span, block, size, kind, caller))
        return at;
    size_t old = block->size;
    void *moved = guard_allocate(size, BLOCK_HEAD, kind, false, caller);
    if (!moved)
        return NULL;
    memcpy(moved, at, old < size ? old : size);
    guard_release(at, kind, caller);
    return moved;
}

/* Queries */

bool guard_owns(const void *at)
{
    return (size_t)((const char *)at - region.heap) < region.size;
}

static struct block *live_block(const void *at)
{
    const struct span *span = region_find(at);
    struct block *block = span ? span_block(span, at) : NULL;
    return block && block_state_of(block_load(block)) == BLOCK_LIVE ? block : NULL;
}

size_t guard_size(const void *at)
{
    const struct block *block = live_block(at);
    return block ? block->size : 0;
}

void guard_tag(const void *at, struct block_array array)
{
    struct block *block = live_block(at);
    if (block)
        block->array = array;
}

int guard_start(const struct guard_settings *settings)
{
    int result = region_open();
    if (result)
        return result;
    if (settings->whole)
        check_poison = SIZE_MAX / 4;
    if (settings->quarantine)
        thread_set_quarantine(settings->quarantine);
    stacks = settings->stacks;
    trace_prepare();
    violation_report_to(settings->report);
    on = true;
    return settings->checker ? checker_start(settings->interval) : 0;
}
