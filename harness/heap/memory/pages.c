/* See pages.h for the contract. */
#include "heap/memory/pages.h"

#include <sys/mman.h>

#include "heap/memory/lock.h"
#include "heap/memory/pattern.h"

#define LIMIT_MAX 4096
#define CAPACITY (REGION_UNIT - 2 * (size_t)REGION_PAGE)

static unsigned most = 256, made, turn;
/* A ring of the spans with freed blocks, oldest first. */
static struct {
    struct span *span[LIMIT_MAX];
    unsigned head, n;
} freed;

static struct pages_trace traces[LIMIT_MAX];

void pages_set_limit(unsigned limit)
{
    most = limit < LIMIT_MAX ? limit : LIMIT_MAX;
}

/* New spans first: the longer a freed block stays inaccessible, the later a use of it is still caught. */
static struct span *take_span(bool *ret_right)
{
    struct span *span = NULL;
    heap_lock(LOCK_PAGES);
    *ret_right = turn++ % 2 == 0;
    if (made < most) {
        span = region_new_span(SPAN_PAGES, UINT16_MAX, CAPACITY);
        if (span)
            span->trace = &traces[made++];
    } else if (freed.n > 0) {
        span = freed.span[freed.head];
        freed.head = (freed.head + 1) % LIMIT_MAX;
        freed.n--;
    }
    heap_unlock(LOCK_PAGES);
    return span;
}

static void put_back(struct span *span)
{
    heap_lock(LOCK_PAGES);
    freed.span[(freed.head + freed.n) % LIMIT_MAX] = span;
    freed.n++;
    heap_unlock(LOCK_PAGES);
}

/* Places the block before the page behind it, as close as the alignment permits; or at the start of its first page. */
static void place(struct block *block, size_t size, size_t align, bool right)
{
    uintptr_t start = (uintptr_t)block->start, mask = (align > 16 ? align : 16) - 1;
    size_t pages = region_page_up(size + (align > REGION_PAGE ? align : 0) + (size == 0));
    uintptr_t user = right ? (start + pages - size) & ~mask : (start + mask) & ~mask;
    block->offset = (uint32_t)(user - start);
    block->size = size;
}

static size_t open_length(const struct block *block)
{
    return region_page_up((uintptr_t)block_user(block) + block->size + (block->size == 0)) -
           (uintptr_t)block->start;
}

struct block *pages_take(size_t size, size_t align)
{
    bool right;
    if (size + (align > 16 ? align : 0) > CAPACITY - REGION_PAGE)
        return NULL;
    struct span *span = take_span(&right);
    if (!span)
        return NULL;
    struct block *block = span->blocks;
    block_begin_change(block);
    if (atomic_exchange(&span->open, 0))
        mprotect(span->base, span->length, PROT_NONE);
    place(block, size, align, right);
    if (mprotect(block->start, open_length(block), PROT_READ | PROT_WRITE) < 0) {
        block_end_change(block, BLOCK_UNUSED);
        put_back(span);
        return NULL;
    }
    pattern_fill(block->start, block->start + open_length(block), pattern_of(block->start));
    return block;
}

void pages_give(struct span *span, struct block *block)
{
    mprotect(span->base, span->length, PROT_NONE);
    atomic_store(&span->open, 0);
    block_end_change(block, BLOCK_FREED);
    put_back(span);
}

void pages_open_at(struct span *span, uintptr_t address)
{
    uintptr_t page = address & ~(uintptr_t)(REGION_PAGE - 1);
    mprotect((void *)page, REGION_PAGE, PROT_READ | PROT_WRITE); /* NOLINT(performance-no-int-to-ptr) */
    atomic_store(&span->open, 1);
}

void pages_close_around(struct span *span)
{
    if (!atomic_exchange(&span->open, 0))
        return;
    char *end = (char *)region_page_up((uintptr_t)span->start + span->slot_size);
    mprotect(span->base, REGION_PAGE, PROT_NONE);
    mprotect(end, (size_t)(span->base + span->length - end), PROT_NONE);
}
