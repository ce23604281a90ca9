/* Checks the heaps of glibc's own malloc from outside: arenas, their chunks, free lists and thread caches.
 *
 * Contract. Child main thread, while every worker waits; no other thread walks. Each walk takes the locks of all
 * arenas as glibc does, so a foreign native thread that allocates meanwhile waits; if such a thread is inside malloc
 * already, the walk gives up with -EBUSY. Thread caches and insertion into fastbins have no lock: a single walk may see
 * another thread's half-made change there. arena_check therefore reports only damage that persists over several walks.
 *
 * A walk allocates nothing, and reads only writable memory of this process, even if the metadata are damaged: each
 * pointer is checked against the memory map before it is followed, and a list is followed for at most as many steps as
 * there can be chunks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/glibc.h"

#define ARENA_ARENAS 1024
#define ARENA_HEAPS 4096
#define ARENA_CACHES 1024
#define ARENA_MAPS 4096
#define ARENA_VIOLATIONS 32
#define ARENA_BYTES 32

enum arena_fault {
    ARENA_SIZE,
    ARENA_PREV_SIZE,
    ARENA_PREV_INUSE,
    ARENA_TOP,
    ARENA_FORWARD,
    ARENA_BACKWARD,
    ARENA_NEXT_SIZE,
    ARENA_FASTBIN,
    ARENA_CACHE_LINK,
    ARENA_CACHE_KEY,
    ARENA_CACHE_HEAD,
    ARENA_HEAD,
    ARENA_FAULTS
};

struct arena_violation {
    enum arena_fault fault;
    uintptr_t chunk; /* of the damaged field; for the last two faults the structure that contains it */
    uint64_t value;  /* of the field */
    uintptr_t block; /* user address of the likely culprit; 0: not known */
    size_t size;     /* its usable bytes */
    unsigned nbytes; /* around the field */
    unsigned char bytes[ARENA_BYTES];
};

struct arena_map {
    uintptr_t low, high;
};

/* A contiguous sequence of chunks. */
struct arena_heap {
    uintptr_t first, end, high; /* first chunk; end of the last one; end of the memory */
    uintptr_t arena;
    bool main, has_top, walkable;
};

struct arena_walker {
    const struct glibc_layout *layout;
    uintptr_t main;        /* glibc's main_arena */
    uintptr_t break_start; /* of the memory from brk */
    bool caches;
    uint64_t cache_key;
    /* The rest is for one walk. */
    struct arena_map maps[ARENA_MAPS];
    unsigned nmaps;
    uintptr_t arenas[ARENA_ARENAS];
    unsigned narenas;
    struct arena_heap heaps[ARENA_HEAPS];
    unsigned nheaps;
    bool scattered; /* the main arena has memory that is not from brk */
    uintptr_t cache_at[ARENA_CACHES];
    unsigned ncaches;
    uint64_t chunks, chunks_max;
    struct arena_violation found[ARENA_VIOLATIONS], suspects[ARENA_VIOLATIONS];
    unsigned nfound;
};

typedef void arena_callback(void *context, const struct arena_violation *violation);

/* Finds glibc's heaps, and verifies that with a walk. Returns 0, or -ENOTSUP and one sentence in `reason`. */
int arena_open(struct arena_walker *ret, char *reason, size_t size);

/* Walks once. Calls back once for each damaged chunk, after the locks are released. Returns the number of chunks
 * walked, -EBUSY (another thread is inside malloc, or pages of a heap are protected), or -E2BIG. */
int64_t arena_walk(struct arena_walker *walker, arena_callback *callback, void *context);

/* Walks, and repeats the walk if it finds damage; calls back for damage that is in every walk. Returns as arena_walk.
 * Takes some 60 ms more when there is damage. */
int64_t arena_check(struct arena_walker *walker, arena_callback *callback, void *context);

/* "size field". Stable between runs. */
const char *arena_fault_name(enum arena_fault fault);

/* Writes one sentence; does not allocate. */
void arena_describe(const struct arena_violation *violation, char *text, size_t size);
