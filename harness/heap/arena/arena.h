/* The heaps of glibc's own malloc, looked at from outside: arenas, their chunks, free lists and thread caches.
 *
 * Contract. Child main thread, while every worker waits; no other thread walks. Each walk takes the locks of all
 * arenas as glibc does, so a foreign native thread that allocates meanwhile waits; where such a thread is inside
 * malloc already, the walk gives up with -EBUSY. A thread's own cache and the adding to fastbins have no lock: what a
 * single walk sees there may be a moment of another thread's. arena_check therefore reports only what stays for
 * several walks.
 *
 * A walk allocates nothing, and reads nothing but writable memory of this process, whatever the metadata say: each
 * pointer is checked against the memory map before it is followed, and each list is followed for as many steps as
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
    uintptr_t chunk; /* of the damaged field; for the last two faults the structure that has it */
    uint64_t value;  /* that the field has */
    uintptr_t block; /* as its user knows it, the likely culprit; 0: not known */
    size_t size;     /* bytes that its user may use */
    unsigned nbytes; /* around the field */
    unsigned char bytes[ARENA_BYTES];
};

struct arena_map {
    uintptr_t low, high;
};

/* A piece of memory with one chunk after another. */
struct arena_heap {
    uintptr_t first, end, high; /* first chunk; where the last one ends; end of the memory */
    uintptr_t arena;
    bool main, has_top, walkable;
};

struct arena_walker {
    const struct glibc_layout *layout;
    uintptr_t main;        /* glibc's main_arena */
    uintptr_t break_start; /* of the memory that brk gives */
    bool caches;
    uint64_t cache_key;
    /* The rest is of one walk. */
    struct arena_map maps[ARENA_MAPS];
    unsigned nmaps;
    uintptr_t arenas[ARENA_ARENAS];
    unsigned narenas;
    struct arena_heap heaps[ARENA_HEAPS];
    unsigned nheaps;
    bool scattered; /* the main arena has memory that brk did not give */
    uintptr_t cache_at[ARENA_CACHES];
    unsigned ncaches;
    uint64_t chunks, chunks_max;
    struct arena_violation found[ARENA_VIOLATIONS], suspects[ARENA_VIOLATIONS];
    unsigned nfound;
};

typedef void arena_callback(void *context, const struct arena_violation *violation);

/* Learns where glibc keeps its heaps, and proves it with a walk. Returns 0, or -ENOTSUP and one sentence in
 * `reason`. */
int arena_open(struct arena_walker *ret, char *reason, size_t size);

/* One look. Calls back once for each damaged chunk, after the locks are released. Returns the number of chunks walked,
 * -EBUSY (another thread is inside malloc, or pages of a heap are protected), or -E2BIG. */
int64_t arena_walk(struct arena_walker *walker, arena_callback *callback, void *context);

/* Looks, and where something is wrong, looks again until it is certain: calls back for what stayed. Returns as
 * arena_walk. Takes some milliseconds more when something is wrong. */
int64_t arena_check(struct arena_walker *walker, arena_callback *callback, void *context);

/* "size field": the same for each chunk and run. */
const char *arena_fault_name(enum arena_fault fault);

/* One sentence, without allocating. */
void arena_describe(const struct arena_violation *violation, char *text, size_t size);
