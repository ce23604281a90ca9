/* See region.h for the contract. */
#include "heap/memory/region.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "heap/memory/lock.h"
#include "heap/memory/pattern.h"

#define SIZE_MOST ((size_t)512 << 30)
#define SIZE_LEAST ((size_t)32 << 20)
/* Length of a span of small slots, and of larger ones, of which a span still has a few. */
#define SPAN_SMALL REGION_UNIT
#define SPAN_MEDIUM ((size_t)4 * REGION_UNIT)
#define SPAN_BIG ((size_t)16 * REGION_UNIT)
#define GUARDED_MAX 8192
#define COMMIT_STEP ((size_t)256 << 10)

struct region region;

/* A table that grows in place: `committed` of its bytes are accessible. */
struct table {
    char *at;
    size_t size, committed, used;
};

static struct table heap, spans, blocks;
static _Atomic uint32_t nspans;

static size_t round_up(size_t size, size_t to)
{
    return (size + to - 1) / to * to;
}

/* Takes `size` bytes of a table; NULL without memory. Under the lock. */
static void *table_take(struct table *table, size_t size)
{
    size_t used = table->used + size;
    if (used > table->size || used < size)
        return NULL;
    if (used > table->committed) {
        size_t end = round_up(used, COMMIT_STEP);
        if (end > table->size)
            end = table->size;
        if (mprotect(table->at + table->committed, end - table->committed, PROT_READ | PROT_WRITE) < 0)
            return NULL;
        table->committed = end;
    }
    void *taken = table->at + table->used;
    table->used = used;
    return taken;
}

/* The heap and its blocks take about half of a limit on address space: the program needs the rest. */
static size_t size_allowed(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur / 4 < SIZE_MOST)
        return round_up(limit.rlim_cur / 4, 1 << 20);
    return SIZE_MOST;
}

/* Reserves `size` bytes of heap, half as many for its blocks, and the tables. */
static int reserve(size_t size)
{
    size_t units = region_page_up(size / REGION_UNIT * sizeof *region.units);
    size_t span_table = region_page_up((size / REGION_UNIT + 1) * sizeof(struct span));
    size_t whole = units + span_table + size / 2 + size + REGION_UNIT;
    char *at = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return -ENOMEM;
    madvise(at, whole, MADV_DONTDUMP);
    if (mprotect(at, units, PROT_READ | PROT_WRITE) < 0) {
        munmap(at, whole);
        return -ENOMEM;
    }
    region.units = (void *)at;
    spans = (struct table){.at = at + units, .size = span_table};
    blocks = (struct table){.at = spans.at + span_table, .size = size / 2};
    heap = (struct table){.at = (char *)round_up((size_t)blocks.at + size / 2, REGION_UNIT), .size = size};
    return 0;
}

int region_open(void)
{
    size_t size = size_allowed();
    while (size >= SIZE_LEAST && reserve(size) < 0)
        size /= 2;
    if (size < SIZE_LEAST)
        return -ENOMEM;
    if (!table_take(&spans, sizeof(struct span))) /* number 0 is unused */
        return -ENOMEM;
    region.spans = (void *)spans.at;
    region.blocks = (void *)blocks.at;
    region.heap = heap.at;
    region.size = size;
    return 0;
}

/* Sets the length of a span and the place of its slots. */
static void lay_out(struct span *span, enum span_kind kind, size_t slot_size)
{
    span->kind = (uint8_t)kind;
    span->slot_size = slot_size;
    span->reciprocal = ((UINT64_C(1) << 40) + slot_size - 1) / slot_size;
    if (kind == SPAN_SLAB) {
        span->length = slot_size <= 4096 ? SPAN_SMALL : slot_size <= 16384 ? SPAN_MEDIUM : SPAN_BIG;
        span->nslots = (uint32_t)((span->length - SPAN_HEAD) / slot_size);
        span->start = span->base + SPAN_HEAD;
    } else {
        span->length = round_up(REGION_PAGE + slot_size + REGION_PAGE, REGION_UNIT);
        span->nslots = 1;
        span->start = span->base + REGION_PAGE;
    }
}

/* The kernel limits the number of a process's mappings, and each inaccessible page splits one: large blocks after the
 * first GUARDED_MAX have none. Under the lock. */
static bool open_slots(const struct span *span)
{
    static unsigned guarded;
    if (span->kind == SPAN_PAGES)
        return true;
    if (span->kind == SPAN_LARGE && guarded < GUARDED_MAX) {
        guarded++;
        return mprotect(span->start, region_page_up(span->slot_size), PROT_READ | PROT_WRITE) == 0;
    }
    return mprotect(span->base, span->length, PROT_READ | PROT_WRITE) == 0;
}

static void publish(struct span *span)
{
    uint32_t number = (uint32_t)(span - region.spans);
    size_t unit = (size_t)(span->base - region.heap) / REGION_UNIT;
    for (size_t i = 0; i < span->length / REGION_UNIT; i++)
        atomic_store_explicit(&region.units[unit + i], number, memory_order_release);
    atomic_store_explicit(&nspans, number, memory_order_release);
}

/* Under the lock. A failure loses the table entries taken so far: there is no memory then anyway. */
static struct span *new_span(enum span_kind kind, unsigned class, size_t slot_size)
{
    struct span shape = {.base = heap.at + heap.used, .class = (uint16_t) class};
    lay_out(&shape, kind, slot_size);
    if (heap.size - heap.used < shape.length || !open_slots(&shape))
        return NULL;
    shape.blocks = table_take(&blocks, shape.nslots * sizeof(struct block));
    struct span *span = shape.blocks ? table_take(&spans, sizeof *span) : NULL;
    if (!span)
        return NULL;
    heap.used += shape.length;
    *span = shape;
    if (kind == SPAN_SLAB) {
        pattern_fill(span->base, span->start, pattern_of(span->start));
    } else { /* the only block, in state UNUSED */
        span->blocks->start = span->start;
        span->carved = 1;
    }
    publish(span);
    return span;
}

struct span *region_new_span(enum span_kind kind, unsigned class, size_t slot_size)
{
    heap_lock(LOCK_REGION);
    struct span *span = new_span(kind, class, slot_size);
    heap_unlock(LOCK_REGION);
    return span;
}

uint32_t region_spans(void)
{
    return atomic_load_explicit(&nspans, memory_order_acquire);
}

struct span *region_span(uint32_t number)
{
    return &region.spans[number];
}

void region_walk_live(void (*visit)(void *context, const struct block *block), void *context)
{
    struct block copy;
    for (uint32_t number = 1; number <= region_spans(); number++) {
        const struct span *span = region_span(number);
        for (uint32_t i = 0; i < span_carved(span); i++) {
            uint32_t word = block_load(&span->blocks[i]);
            if (block_state_of(word) != BLOCK_LIVE)
                continue;
            memcpy(&copy, &span->blocks[i], sizeof copy);
            if (block_still(&span->blocks[i], word))
                visit(context, &copy);
        }
    }
}
