/* The free lists of one arena: unsorted, small and large bins have double links, fastbins single ones. */
#include "heap/arena/arena_inside.h"

static bool size_is_possible(const struct arena_walker *walker, uintptr_t chunk)
{
    size_t size = chunk_size(chunk);
    return size >= CHUNK_MIN && size % CHUNK_ALIGN == 0 && size < UINTPTR_MAX - chunk &&
           arena_is_mapped(walker, chunk, size + 2 * WORD);
}

static bool next_agrees(uintptr_t chunk)
{
    uintptr_t next = chunk + chunk_size(chunk);
    return !(FIELD(next, glibc_chunk, size) & CHUNK_PREV_INUSE) &&
           FIELD(next, glibc_chunk, prev_size) == chunk_size(chunk);
}

/* As in glibc: 64 bins of one size each, then wider and wider ones. */
static unsigned bin_of(size_t size)
{
    static const struct {
        unsigned shift, limit, base;
    } steps[] = {{6, 48, 48}, {9, 20, 91}, {12, 10, 110}, {15, 4, 119}, {18, 2, 124}};
    if (size < LARGE_MIN)
        return (unsigned)(size / CHUNK_ALIGN);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (size >> steps[i].shift <= steps[i].limit)
            return steps[i].base + (unsigned)(size >> steps[i].shift);
    return 126;
}

/* The header behind a free chunk marks it as in use, or has another size for it. */
static void blame_next(struct arena_walker *walker, uintptr_t chunk, size_t size)
{
    uintptr_t next = chunk + size;
    uint64_t field = FIELD(next, glibc_chunk, size);
    bool used = field & CHUNK_PREV_INUSE;
    arena_add(walker, used ? ARENA_PREV_INUSE : ARENA_PREV_SIZE, next,
              used ? field : FIELD(next, glibc_chunk, prev_size), chunk_block(chunk), chunk_usable(size));
}

/* Returns false if the list cannot be followed further. If the chunk neither links back nor looks free, the link to it
 * is damaged; else the chunk is. */
static bool check_free(struct arena_walker *walker, size_t bin, uintptr_t head, uintptr_t from,
                       uintptr_t chunk)
{
    bool held = arena_holds(walker, chunk), whole = held && size_is_possible(walker, chunk);
    bool back = held && FIELD(chunk, glibc_chunk, backward) == from;
    if (!back) {
        if (whole && next_agrees(chunk))
            arena_add_free(walker, ARENA_BACKWARD, chunk, FIELD(chunk, glibc_chunk, backward));
        else if (from == head)
            arena_add(walker, ARENA_HEAD, head, chunk, 0, 0);
        else
            arena_add_free(walker, ARENA_FORWARD, from, chunk);
        return false;
    }
    if (!whole || (bin > 1 && bin_of(chunk_size(chunk)) != bin))
        arena_add(walker, ARENA_SIZE, chunk, FIELD(chunk, glibc_chunk, size), 0, 0);
    else if (!next_agrees(chunk))
        blame_next(walker, chunk, chunk_size(chunk));
    uintptr_t next = bin >= LARGE_MIN / CHUNK_ALIGN ? FIELD(chunk, glibc_chunk, next_size) : 0;
    if (next && (!arena_holds(walker, next) || FIELD(next, glibc_chunk, prev_next_size) != chunk))
        arena_add_free(walker, ARENA_NEXT_SIZE, chunk, next);
    return true;
}

static void walk_bin(struct arena_walker *walker, uintptr_t arena, size_t bin)
{
    /* The head acts as a chunk that has only the links. */
    uintptr_t head = arena + offsetof(struct glibc_state, bins) + (bin - 1) * 2 * WORD -
                     offsetof(struct glibc_chunk, forward);
    uintptr_t from = head;
    for (uint64_t i = 0; i <= walker->chunks_max; i++) {
        uintptr_t chunk = FIELD(from, glibc_chunk, forward);
        if (chunk == head) {
            if (FIELD(head, glibc_chunk, backward) != from)
                arena_add(walker, ARENA_HEAD, head, FIELD(head, glibc_chunk, backward), 0, 0);
            return;
        }
        if (!check_free(walker, bin, head, from, chunk))
            return;
        from = chunk;
    }
    arena_add_free(walker, ARENA_FORWARD, from, FIELD(from, glibc_chunk, forward));
}

static void walk_fastbin(struct arena_walker *walker, uintptr_t arena, size_t bin)
{
    size_t size = (bin + 2) * CHUNK_ALIGN;
    uintptr_t at = arena + offsetof(struct glibc_state, fastbins) + bin * WORD, from = 0;
    uintptr_t chunk = arena_word(at);
    for (uint64_t i = 0; i <= walker->chunks_max && arena_holds(walker, chunk) && chunk_size(chunk) == size;
         i++) {
        from = chunk;
        at = chunk_block(chunk);
        chunk = arena_reveal(walker, at, arena_word(at));
    }
    if (chunk && from)
        arena_add_free(walker, ARENA_FASTBIN, from, arena_word(at));
    else if (chunk)
        arena_add(walker, ARENA_HEAD, at, chunk, 0, 0);
}

void arena_walk_lists(struct arena_walker *walker, uintptr_t arena)
{
    for (size_t bin = 1; bin <= BINS; bin++)
        walk_bin(walker, arena, bin);
    for (size_t bin = 0; bin < FASTBINS; bin++)
        walk_fastbin(walker, arena, bin);
}
