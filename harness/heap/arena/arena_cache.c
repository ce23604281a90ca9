/* Thread caches: singly linked lists of freed blocks, which all other checks see as in use.
 *
 * glibc has no list of its caches. A cache is a used chunk of a known size, and is recognised by its lists: most of
 * them begin with a block of the right size that bears the mark of caches. */
#include "heap/arena/arena_inside.h"

static unsigned count_of(uintptr_t cache, size_t bin)
{
    return *(const volatile uint16_t *)(cache + offsetof(struct glibc_cache_state, counts) +
                                        bin * sizeof(uint16_t));
}

static uintptr_t entry_of(uintptr_t cache, size_t bin)
{
    return arena_word(cache + offsetof(struct glibc_cache_state, entries) + bin * WORD);
}

static bool bears_mark(const struct arena_walker *walker, uintptr_t cache, uintptr_t chunk)
{
    uint64_t mark = walker->layout->cache == GLIBC_CACHE_OWNER ? cache : walker->cache_key;
    return FIELD(chunk, glibc_chunk, backward) == mark;
}

static bool is_block(const struct arena_walker *walker, uintptr_t block, size_t bin)
{
    uintptr_t chunk = block - chunk_block(0);
    return block > chunk_block(0) && arena_holds(walker, chunk) &&
           chunk_size(chunk) == CHUNK_MIN + bin * CHUNK_ALIGN;
}

bool arena_is_cache(const struct arena_walker *walker, uintptr_t chunk)
{
    uintptr_t cache = chunk_block(chunk);
    int votes = 0;
    for (size_t bin = 0; bin < CACHE_BINS; bin++) {
        unsigned count = count_of(cache, bin);
        uintptr_t block = entry_of(cache, bin);
        if (!count && !block)
            continue;
        bool right =
            count && is_block(walker, block, bin) && bears_mark(walker, cache, block - chunk_block(0));
        votes += right ? 1 : -1;
    }
    return votes > 0;
}

static void walk_list(struct arena_walker *walker, uintptr_t cache, size_t bin)
{
    uintptr_t block = entry_of(cache, bin), from = 0;
    unsigned left = count_of(cache, bin);
    for (; left > 0 && is_block(walker, block, bin); left--) {
        from = block;
        block = arena_reveal(walker, from, arena_word(from));
    }
    if (left == 0 && !block)
        return;
    if (from)
        arena_add_free(walker, ARENA_CACHE_LINK, from - chunk_block(0), arena_word(from));
    else
        arena_add(walker, ARENA_CACHE_HEAD, cache, block, 0, 0);
}

/* Runs after the links: if both were overwritten, the link is the better evidence. */
static void check_marks(struct arena_walker *walker, uintptr_t cache, size_t bin)
{
    uintptr_t block = entry_of(cache, bin);
    for (unsigned left = count_of(cache, bin); left > 0 && is_block(walker, block, bin); left--) {
        uintptr_t chunk = block - chunk_block(0);
        if (!bears_mark(walker, cache, chunk))
            arena_add_free(walker, ARENA_CACHE_KEY, chunk, FIELD(chunk, glibc_chunk, backward));
        block = arena_reveal(walker, block, arena_word(block));
    }
}

void arena_walk_cache(struct arena_walker *walker, uintptr_t cache)
{
    for (size_t bin = 0; bin < CACHE_BINS; bin++) {
        walk_list(walker, cache, bin);
        check_marks(walker, cache, bin);
    }
}
