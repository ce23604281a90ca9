/* Arenas and their heaps.
 *
 * Lock rule: an arena's lock is glibc's (0 free, 1 taken, 2 taken with waiters). All are tried in the order of the ring
 * without waiting, and heaps are collected under them: a heap grows, shrinks and is unmapped under its arena's lock.
 */
#include "heap/arena/arena_inside.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRIES 64
#define PAGE 4096

static _Atomic int *mutex_of(uintptr_t arena)
{
    return (_Atomic int *)(arena + offsetof(struct glibc_state, mutex));
}

static bool take_lock(uintptr_t arena)
{
    for (int i = 0; i < TRIES; i++) {
        int unlocked = 0;
        if (atomic_compare_exchange_strong(mutex_of(arena), &unlocked, 1))
            return true;
        sched_yield();
    }
    return false;
}

void arena_release(struct arena_walker *walker)
{
    for (unsigned i = 0; i < walker->narenas; i++) {
        _Atomic int *mutex = mutex_of(walker->arenas[i]);
        if (atomic_exchange(mutex, 0) > 1)
            syscall(SYS_futex, mutex, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

/* Every arena but the main one lies at the start of its first heap. */
static bool is_arena(const struct arena_walker *walker, uintptr_t arena)
{
    uintptr_t heap = arena & ~(HEAP_MAX - 1);
    if (arena == walker->main)
        return true;
    return arena - heap == walker->layout->heap_info &&
           arena_is_mapped(walker, heap, walker->layout->heap_info + sizeof(struct glibc_state)) &&
           FIELD(heap, glibc_heap, arena) == arena;
}

static int collect_arenas(struct arena_walker *walker)
{
    uintptr_t arena = walker->main;
    do {
        uintptr_t from = arena;
        if (walker->narenas == ARENA_ARENAS)
            return -E2BIG;
        if (!take_lock(arena))
            return -EBUSY;
        walker->arenas[walker->narenas++] = arena;
        /* Arenas are never unmapped; the map is read under the main arena's lock. */
        int error = arena == walker->main ? arena_map_read(walker) : 0;
        if (error < 0)
            return error;
        arena = FIELD(arena, glibc_state, next);
        if (!is_arena(walker, arena)) {
            arena_add(walker, ARENA_HEAD, from, arena, 0, 0);
            return 0;
        }
    } while (arena != walker->main);
    return 0;
}

static int add_heap(struct arena_walker *walker, struct arena_heap heap)
{
    if (walker->nheaps == ARENA_HEAPS)
        return -E2BIG;
    walker->heaps[walker->nheaps++] = heap;
    walker->chunks_max += (heap.high - heap.first) / CHUNK_MIN;
    return 0;
}

static uintptr_t align_chunk(uintptr_t address)
{
    return (address + CHUNK_ALIGN - 1) & ~(uintptr_t)(CHUNK_ALIGN - 1);
}

static bool is_heap(const struct arena_walker *walker, uintptr_t heap, uintptr_t arena)
{
    size_t least = walker->layout->heap_info;
    if (heap % HEAP_MAX != 0 || !arena_is_mapped(walker, heap, least) ||
        FIELD(heap, glibc_heap, arena) != arena)
        return false;
    size_t size = FIELD(heap, glibc_heap, size);
    return size >= PAGE && size <= HEAP_MAX && size % PAGE == 0;
}

/* The last heap has the top chunk; each one before it ends with a fencepost of one header. A heap with protected pages
 * cannot be walked, and is no damage. */
static int collect_heaps(struct arena_walker *walker, uintptr_t arena)
{
    uintptr_t top = FIELD(arena, glibc_state, top), own = arena & ~(HEAP_MAX - 1);
    uintptr_t heap = top & ~(HEAP_MAX - 1);
    int error = 0;
    for (bool last = true; error == 0; last = false) {
        if (!is_heap(walker, heap, arena)) {
            arena_add(walker, ARENA_HEAD, arena, last ? top : heap, 0, 0);
            return 0;
        }
        uintptr_t high = heap + FIELD(heap, glibc_heap, size);
        if (!arena_is_mapped(walker, heap, high - heap))
            return -EBUSY;
        uintptr_t first = heap == own ? arena + sizeof(struct glibc_state) : heap + walker->layout->heap_info;
        uintptr_t end = last ? top : high - CHUNK_ALIGN;
        bool fits = end >= align_chunk(first) && end <= high - CHUNK_ALIGN && end % CHUNK_ALIGN == 0;
        if (!fits)
            arena_add(walker, ARENA_HEAD, arena, end, 0, 0);
        error = add_heap(walker, (struct arena_heap){.first = align_chunk(first),
                                                     .end = end,
                                                     .high = high,
                                                     .arena = arena,
                                                     .has_top = last,
                                                     .walkable = fits});
        if (heap == own)
            break;
        heap = FIELD(heap, glibc_heap, prev);
    }
    return error;
}

/* The main arena's memory comes from brk, until brk fails and mmap replaces it: then lists may lead anywhere. */
static int collect_break(struct arena_walker *walker)
{
    uintptr_t top = FIELD(walker->main, glibc_state, top);
    uintptr_t low = walker->break_start, high = (uintptr_t)sbrk(0);
    const volatile int *flags = (const volatile int *)(walker->main + offsetof(struct glibc_state, flags));
    walker->scattered = *flags & SCATTERED;
    if (walker->scattered)
        walker->chunks_max += FIELD(walker->main, glibc_state, system_mem) / CHUNK_MIN;
    if (high <= low || !arena_is_mapped(walker, low, high - low))
        return -EBUSY;
    bool has_top = top >= low && top <= high - CHUNK_ALIGN && top % CHUNK_ALIGN == 0;
    if (!has_top && !walker->scattered)
        arena_add(walker, ARENA_HEAD, walker->main, top, 0, 0);
    return add_heap(walker, (struct arena_heap){.first = align_chunk(low),
                                                .end = has_top ? top : high,
                                                .high = high,
                                                .arena = walker->main,
                                                .main = true,
                                                .has_top = has_top,
                                                .walkable = has_top || walker->scattered});
}

int arena_collect(struct arena_walker *walker)
{
    walker->narenas = walker->nheaps = 0;
    walker->chunks_max = 0;
    int error = collect_arenas(walker);
    if (error == 0)
        error = collect_break(walker);
    for (unsigned i = 1; i < walker->narenas && error == 0; i++)
        error = collect_heaps(walker, walker->arenas[i]);
    return error;
}

const struct arena_heap *arena_heap_of(const struct arena_walker *walker, uintptr_t address)
{
    for (unsigned i = 0; i < walker->nheaps; i++)
        if (address >= walker->heaps[i].first && address < walker->heaps[i].high)
            return &walker->heaps[i];
    return NULL;
}

bool arena_holds(const struct arena_walker *walker, uintptr_t chunk)
{
    if (chunk % CHUNK_ALIGN != 0)
        return false;
    const struct arena_heap *heap = arena_heap_of(walker, chunk);
    if (heap)
        return heap->high - chunk >= sizeof(struct glibc_chunk);
    return walker->scattered && arena_is_mapped(walker, chunk, sizeof(struct glibc_chunk));
}
