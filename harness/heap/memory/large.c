/* See large.h for the contract. */
#include "heap/memory/large.h"

#include <sys/mman.h>

#include "base/clock.h"
#include "heap/memory/lock.h"
#include "heap/memory/pattern.h"

#define ALIGN 64
#define CLASSES 400
/* Mappings of a class that stay at rest, and the bytes at rest in all before the oldest mappings lose their memory. */
#define REST_MIN 1
/* From this slot size on no mapping stays at rest when one is needed: it would push those in use out of the processor's
 * caches, which costs more than all other work of the guard. */
#define REST_SIZE ((size_t)1 << 20)
#define REST_BYTES ((size_t)32 << 20)
#define REST_MAX 1024
/* A mapping loses its memory after this time at rest. */
#define REST_TIME (CLOCK_SECOND / 2)

/* A ring of the numbers of spans at rest, oldest first, and for each class a list of the spans without memory. */
static struct {
    struct rested {
        uint32_t number;
        uint64_t since; /* clock_now() */
    } items[REST_MAX];
    unsigned head, n;
    size_t bytes;
} rest;
static uint32_t empty[CLASSES]; /* head, by number */

size_t large_need(size_t size, size_t align)
{
    size_t need = size + BLOCK_HEAD + BLOCK_TAIL + (align > ALIGN ? align : ALIGN);
    return need < size ? SIZE_MAX / 4 : need;
}

static struct rested *rest_at(unsigned i)
{
    return &rest.items[(rest.head + i) % REST_MAX];
}

static struct span *rest_remove(unsigned at)
{
    struct span *span = region_span(rest_at(at)->number);
    for (unsigned i = at; i + 1 < rest.n; i++)
        *rest_at(i) = *rest_at(i + 1);
    rest.n--;
    rest.bytes -= span->slot_size;
    return span;
}

/* Takes the newest of the class after the first rest_min: its memory is still in the processor's caches. */
static struct span *take_rested(unsigned class, unsigned rest_min)
{
    unsigned found = 0;
    for (unsigned i = rest.n; i-- > 0;)
        if (region_span(rest_at(i)->number)->class == class && ++found > rest_min)
            return rest_remove(i);
    return NULL;
}

static struct span *take_empty(unsigned class)
{
    if (!empty[class])
        return NULL;
    struct span *span = region_span(empty[class]);
    empty[class] = span->next;
    return span;
}

/* Frees the memory of the oldest span at rest. It keeps its address, and is all zero, as a new one. */
static void drop_oldest(void)
{
    struct span *span = rest_remove(0);
    struct block *block = span->blocks;
    block_begin_change(block);
    madvise(span->start, span->slot_size, MADV_DONTNEED);
    block->size = 0;
    block->offset = BLOCK_HEAD;
    span->next = empty[span->class];
    empty[span->class] = (uint32_t)(span - region.spans);
    block_end_change(block, BLOCK_UNUSED);
}

/* The block ends at the inaccessible page, except for the bytes that the alignment needs. */
uint32_t large_offset(const struct span *span, size_t size, size_t align)
{
    uintptr_t start = (uintptr_t)span->start, user = start + span->slot_size - BLOCK_TAIL - size;
    user &= ~(uintptr_t)((align > ALIGN ? align : ALIGN) - 1);
    return (uint32_t)(user - start);
}

struct block *large_take(size_t size, size_t align)
{
    unsigned class = class_of(large_need(size, align));
    if (class >= CLASSES)
        return NULL;
    heap_lock(LOCK_LARGE);
    struct span *span = take_rested(class, class_slot_size(class) < REST_SIZE ? REST_MIN : 0);
    if (!span)
        span = take_empty(class);
    if (!span)
        span = region_new_span(SPAN_LARGE, class, class_slot_size(class));
    if (!span)
        span = take_rested(class, 0);
    heap_unlock(LOCK_LARGE);
    return span ? span->blocks : NULL;
}

void large_give(struct span *span)
{
    heap_lock(LOCK_LARGE);
    *rest_at(rest.n++) = (struct rested){(uint32_t)(span - region.spans), clock_now()};
    rest.bytes += span->slot_size;
    while (rest.n > 0 && (rest.bytes > REST_BYTES || rest.n == REST_MAX))
        drop_oldest();
    heap_unlock(LOCK_LARGE);
}

void large_trim(void)
{
    uint64_t now = clock_now();
    heap_lock(LOCK_LARGE);
    while (rest.n > 0 && now - rest_at(0)->since > REST_TIME)
        drop_oldest();
    heap_unlock(LOCK_LARGE);
}
