/* glibc's structures, and the functions that the files of arena.h share. x86-64.
 *
 * Everything is read through arena_word: the memory belongs to glibc, and may change.
 */
#pragma once

#include "heap/arena/arena.h"

#define HEAP_MAX ((uintptr_t)64 << 20) /* heaps other than the main one start at multiples of it */
#define WORD sizeof(uint64_t)
#define CHUNK_MIN ((size_t)32)
#define CHUNK_ALIGN ((size_t)16)
#define FASTBINS 10
#define BINS 127
#define LARGE_MIN 0x400
#define CACHE_BINS 64
#define SCATTERED 2 /* malloc_state.flags */

enum chunk_flag { CHUNK_PREV_INUSE = 1, CHUNK_MMAPPED = 2, CHUNK_NON_MAIN = 4, CHUNK_FLAGS = 7 };

struct glibc_chunk {
    uint64_t prev_size; /* of the chunk before if that is free; else the last word of its block */
    uint64_t size;
    uint64_t forward, backward; /* from here on user data, unless the chunk is free */
    uint64_t next_size, prev_next_size;
};

struct glibc_state {
    int mutex, flags, have_fastchunks;
    uint64_t fastbins[FASTBINS];
    uint64_t top, last_remainder;
    uint64_t bins[2 * BINS];
    unsigned binmap[4];
    uint64_t next, next_free, attached_threads;
    uint64_t system_mem, max_system_mem;
};

struct glibc_heap {
    uint64_t arena, prev, size;
};

struct glibc_cache_state {
    uint16_t counts[CACHE_BINS];
    uint64_t entries[CACHE_BINS];
};

#define FIELD(address, type, member) arena_word((address) + offsetof(struct type, member))

static inline uint64_t arena_word(uintptr_t address)
{
    return *(const volatile uint64_t *)address;
}

static inline size_t chunk_size(uintptr_t chunk)
{
    return FIELD(chunk, glibc_chunk, size) & ~(uint64_t)CHUNK_FLAGS;
}

static inline uintptr_t chunk_block(uintptr_t chunk)
{
    return chunk + offsetof(struct glibc_chunk, forward);
}

/* A chunk's block reaches into the prev_size of the next chunk. */
static inline size_t chunk_usable(size_t size)
{
    return size > WORD ? size - WORD : 0;
}

/* arena_map.c: readable memory. */
int arena_map_read(struct arena_walker *walker);
bool arena_is_mapped(const struct arena_walker *walker, uintptr_t address, size_t size);
uintptr_t arena_find_break(void);

/* arena_heap.c: arenas and their heaps. arena_collect takes the locks, on failure too. */
int arena_collect(struct arena_walker *walker);
void arena_release(struct arena_walker *walker);
const struct arena_heap *arena_heap_of(const struct arena_walker *walker, uintptr_t address);
/* Returns true if a chunk can be there: it is aligned, and its fields can be read. */
bool arena_holds(const struct arena_walker *walker, uintptr_t chunk);

/* arena_chunk.c, arena_list.c, arena_cache.c: the checks. */
void arena_walk_chunks(struct arena_walker *walker, const struct arena_heap *heap);
void arena_walk_lists(struct arena_walker *walker, uintptr_t arena);
bool arena_is_cache(const struct arena_walker *walker, uintptr_t chunk);
void arena_walk_cache(struct arena_walker *walker, uintptr_t cache);

/* Decodes the single link stored at `at`. */
static inline uintptr_t arena_reveal(const struct arena_walker *walker, uintptr_t at, uint64_t link)
{
    return walker->layout->protected_links ? (at >> 12) ^ link : link;
}

/* arena_found.c: records a violation, the first one at each address. `block` and `size` are the likely culprit's. */
void arena_add(struct arena_walker *walker, enum arena_fault fault, uintptr_t at, uint64_t value,
               uintptr_t block, size_t size);
/* Records a violation of a free block's own field. */
void arena_add_free(struct arena_walker *walker, enum arena_fault fault, uintptr_t at, uint64_t value);
