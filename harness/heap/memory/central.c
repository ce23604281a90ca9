/* See central.h for the contract. */
#include "heap/memory/central.h"

#include <sys/mman.h>

#include "heap/memory/lock.h"
#include "heap/memory/pattern.h"

/* A list of slots, apart from their blocks, which still describe their last owner. */
struct chunk {
    struct chunk *next;
    size_t n;
    struct block *slots[510];
};
_Static_assert(sizeof(struct chunk) == REGION_PAGE, "a chunk is a page");

static struct central {
    struct span *span;   /* slots are carved from here */
    struct chunk *top;   /* never empty, unless it is the last */
    struct chunk *spare; /* at most one: a list that swings about the edge of a chunk maps no pages */
} central[CLASS_SLABS];

static struct chunk *new_chunk(struct central *self)
{
    struct chunk *chunk = self->spare;
    self->spare = NULL;
    if (!chunk)
        chunk = mmap(NULL, sizeof *chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED)
        return NULL;
    chunk->n = 0;
    chunk->next = self->top;
    return chunk;
}

/* Without memory for the list the slot is lost, but still checked. */
static void push(struct central *self, struct block *block)
{
    if (!self->top || self->top->n == sizeof self->top->slots / sizeof *self->top->slots) {
        struct chunk *chunk = new_chunk(self);
        if (!chunk)
            return;
        self->top = chunk;
    }
    self->top->slots[self->top->n++] = block;
}

static struct block *pop(struct central *self)
{
    struct chunk *top = self->top;
    if (top && top->n == 0 && top->next) {
        self->top = top->next;
        if (self->spare)
            munmap(top, sizeof *top);
        else
            self->spare = top;
    }
    return self->top && self->top->n > 0 ? self->top->slots[--self->top->n] : NULL;
}

/* Prepares a new slot: the pattern in all checked bytes, and a block in state FREED. */
static struct block *carve(struct span *span)
{
    uint32_t slot = atomic_load_explicit(&span->carved, memory_order_relaxed);
    struct block *block = &span->blocks[slot];
    char *start = span->start + slot * span->slot_size;
    bool whole = span->slot_size <= BLOCK_WHOLE;
    pattern_fill_aligned(start, start + (whole ? span->slot_size : BLOCK_HEAD + BLOCK_LOOK),
                         pattern_of(start));
    block->start = start;
    block->offset = BLOCK_HEAD;
    block->size = 0;
    atomic_store_explicit(&block->word, BLOCK_FREED, memory_order_relaxed);
    atomic_store_explicit(&span->carved, slot + 1, memory_order_release);
    return block;
}

static struct block *take_one(struct central *self, unsigned class)
{
    struct block *block = pop(self);
    if (block)
        return block;
    if (!self->span || span_carved(self->span) == self->span->nslots)
        self->span = region_new_span(SPAN_SLAB, class, class_slot_size(class));
    return self->span ? carve(self->span) : NULL;
}

unsigned central_take(unsigned class, struct block **taken, unsigned n)
{
    struct central *self = &central[class];
    unsigned got = 0;
    heap_lock(LOCK_CLASSES + class);
    while (got < n && (taken[got] = take_one(self, class)))
        got++;
    heap_unlock(LOCK_CLASSES + class);
    return got;
}

void central_give(unsigned class, struct block *const *given, unsigned n)
{
    struct central *self = &central[class];
    heap_lock(LOCK_CLASSES + class);
    for (unsigned i = 0; i < n; i++)
        push(self, given[i]);
    heap_unlock(LOCK_CLASSES + class);
}
