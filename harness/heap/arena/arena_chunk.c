/* The chunks of one heap, from the first to the top chunk or the fencepost. */
#include "heap/arena/arena_inside.h"

#define FENCE CHUNK_ALIGN /* size of a fencepost, a bare header */
#define CACHE_CHUNK ((sizeof(struct glibc_cache_state) + WORD + CHUNK_ALIGN - 1) & ~(size_t)(CHUNK_ALIGN - 1))

struct step {
    uintptr_t chunk;
    uint64_t field; /* its size field */
    uintptr_t previous;
    size_t previous_size; /* 0: there is none */
};

static void blame_previous(struct arena_walker *walker, enum arena_fault fault, const struct step *step)
{
    uintptr_t block = step->previous_size ? chunk_block(step->previous) : 0;
    uint64_t value =
        fault == ARENA_PREV_SIZE ? FIELD(step->chunk, glibc_chunk, prev_size) : (uint64_t)step->field;
    arena_add(walker, fault, step->chunk, value, block, chunk_usable(step->previous_size));
}

/* The main heap has two fenceposts before a gap in which another user of brk has its memory. */
static bool is_gap(const struct arena_heap *heap, const struct step *step)
{
    return heap->main && (step->field & ~(uint64_t)CHUNK_PREV_INUSE) == FENCE &&
           heap->high - step->chunk >= 2 * FENCE &&
           FIELD(step->chunk + FENCE, glibc_chunk, size) == (FENCE | CHUNK_PREV_INUSE);
}

static bool size_is_possible(const struct arena_heap *heap, const struct step *step)
{
    size_t size = step->field & ~(uint64_t)CHUNK_FLAGS, room = heap->end - step->chunk;
    if (step->field & CHUNK_MMAPPED || size % CHUNK_ALIGN != 0 || size > room)
        return false;
    if (heap->main && step->field & CHUNK_NON_MAIN)
        return false;
    return size >= CHUNK_MIN || (size == FENCE && !heap->main && !heap->has_top && size == room);
}

/* The rest of an old top chunk, up to the fencepost, never was a block and lacks the flag: no damage. */
static bool lacks_arena_flag(const struct arena_heap *heap, const struct step *step)
{
    return !heap->main && !(FIELD(step->previous, glibc_chunk, size) & CHUNK_NON_MAIN) &&
           heap->high - step->previous > 2 * CHUNK_MIN;
}

static void check_previous(struct arena_walker *walker, const struct arena_heap *heap,
                           const struct step *step)
{
    if (!step->previous_size)
        return;
    if (step->field & CHUNK_PREV_INUSE) {
        if (lacks_arena_flag(heap, step))
            arena_add(walker, ARENA_SIZE, step->previous, FIELD(step->previous, glibc_chunk, size), 0, 0);
    } else if (FIELD(step->chunk, glibc_chunk, prev_size) != step->previous_size) {
        blame_previous(walker, ARENA_PREV_SIZE, step);
    }
}

/* The top chunk reaches to the end of the heap, and the chunk before it is never free: they would be merged. */
static void check_end(struct arena_walker *walker, const struct arena_heap *heap, struct step *step)
{
    uint64_t expected = CHUNK_PREV_INUSE;
    step->field = FIELD(step->chunk, glibc_chunk, size);
    if (heap->has_top && !heap->main)
        expected |= heap->high - heap->end;
    else if (heap->has_top)
        expected |= walker->break_start + FIELD(heap->arena, glibc_state, system_mem) - heap->end;
    else if (heap->main)
        return;
    if (step->field != expected && !(heap->main && walker->scattered))
        blame_previous(walker, ARENA_TOP, step);
}

void arena_walk_chunks(struct arena_walker *walker, const struct arena_heap *heap)
{
    struct step step = {.chunk = heap->first};
    for (; step.chunk != heap->end; walker->chunks++) {
        step.field = FIELD(step.chunk, glibc_chunk, size);
        if (is_gap(heap, &step))
            return;
        bool first_is_wrong = !step.previous_size && !(step.field & CHUNK_PREV_INUSE);
        if (!size_is_possible(heap, &step) || first_is_wrong) {
            blame_previous(walker, ARENA_SIZE, &step);
            return;
        }
        check_previous(walker, heap, &step);
        size_t size = step.field & ~(uint64_t)CHUNK_FLAGS;
        if (size == CACHE_CHUNK && step.chunk + size < heap->high && walker->caches &&
            FIELD(step.chunk + size, glibc_chunk, size) & CHUNK_PREV_INUSE &&
            walker->ncaches < ARENA_CACHES && arena_is_cache(walker, step.chunk))
            walker->cache_at[walker->ncaches++] = chunk_block(step.chunk);
        step = (struct step){.chunk = step.chunk + size, .previous = step.chunk, .previous_size = size};
    }
    if (step.chunk < heap->high)
        check_end(walker, heap, &step);
}
