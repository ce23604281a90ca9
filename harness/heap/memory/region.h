/* The region: the address space of the guard's heap, reserved at once, and the spans in it.
 *
 * Contract. region_open is called once, before there are other threads. region_new_span takes the region's lock; no
 * other lock is taken under it. Lookups take none and may run on any thread, in signal handlers too: a span is
 * complete before its number is published (release), and is never removed.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/memory/block.h"

#define REGION_UNIT 65536
#define REGION_PAGE 4096
#define SPAN_HEAD 64 /* pattern before the first slot of a slab, where no slot lies */

enum span_kind {
    SPAN_SLAB,  /* many slots of one class */
    SPAN_LARGE, /* one slot in a mapping of its own, between inaccessible pages */
    SPAN_PAGES  /* as large, for a block of any size; inaccessible while it is free */
};

struct span {
    char *start; /* of the first slot */
    struct block *blocks;
    size_t slot_size;
    uint64_t reciprocal; /* 2^40 / slot_size, rounded up */
    uint32_t nslots;
    _Atomic uint32_t carved; /* slots that have been in use; the others have no block */
    uint32_t next;           /* number of the next span in a list of large.c */
    uint16_t class;
    uint8_t kind;
    _Atomic uint8_t open; /* an inaccessible page was hit and opened: report no more */
    char *base;           /* of its address space */
    size_t length;        /* with the inaccessible pages */
    void *trace;          /* SPAN_PAGES: struct pages_trace */
};

/* Reserves the address space. Returns 0 or -ENOMEM. */
int region_open(void);

/* Makes a span with accessible slots (SPAN_PAGES: not yet), and the block of an only slot. Returns NULL without
 * memory. */
struct span *region_new_span(enum span_kind kind, unsigned class, size_t slot_size);

/* Walks the live blocks. block: a copy; its memory may be read until another thread frees it. Any thread; exact while
 * no other thread uses the heap. */
void region_walk_live(void (*visit)(void *context, const struct block *block), void *context);

/* The number of slots with a block. */
static inline uint32_t span_carved(const struct span *span)
{
    return atomic_load_explicit(&span->carved, memory_order_acquire);
}

/* Spans are numbered from 1. */
uint32_t region_spans(void);
struct span *region_span(uint32_t number);

struct region {
    char *heap;
    size_t size;
    _Atomic uint32_t *units; /* number of the span that each unit belongs to */
    struct span *spans;
    struct block *blocks;
};
extern struct region region;

/* The span of any address, or NULL. */
static inline struct span *region_find(const void *at)
{
    size_t offset = (size_t)((const char *)at - region.heap);
    if (offset >= region.size)
        return NULL;
    uint32_t number = atomic_load_explicit(&region.units[offset / REGION_UNIT], memory_order_acquire);
    return number ? &region.spans[number] : NULL;
}

/* The block with the slot that has this address, or NULL. */
static inline struct block *span_block(const struct span *span, const void *at)
{
    ptrdiff_t offset = (const char *)at - span->start;
    if (offset < 0)
        return NULL;
    uint64_t slot = span->kind == SPAN_SLAB ? ((uint64_t)offset * span->reciprocal) >> 40 : 0;
    return slot < span_carved(span) ? &span->blocks[slot] : NULL;
}

static inline uintptr_t region_page_up(uintptr_t at)
{
    return (at + REGION_PAGE - 1) & ~(uintptr_t)(REGION_PAGE - 1);
}
