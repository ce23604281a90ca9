/* Whole walks, and the search for glibc's heaps. See arena.h for the contract. */
#include "heap/arena/arena_inside.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Further walks after one that finds damage, and the pause before the first of them in ns, which doubles each time. A
 * thread that allocates without a lock may lose the processor in the middle of a change: on a busy machine for longer
 * than the first pauses, but hardly for all of them. */
#define CONFIRMATIONS 6
#define PAUSE 1000000L
/* One more block than a thread's cache holds of one size. */
#define CACHE_ROOM 8

/* Fills `found`. */
static int64_t walk_once(struct arena_walker *walker)
{
    walker->nfound = walker->ncaches = 0;
    walker->chunks = 0;
    int error = arena_collect(walker);
    for (unsigned i = 0; i < walker->nheaps && error == 0; i++)
        if (walker->heaps[i].walkable)
            arena_walk_chunks(walker, &walker->heaps[i]);
    for (unsigned i = 0; i < walker->narenas && error == 0; i++)
        arena_walk_lists(walker, walker->arenas[i]);
    for (unsigned i = 0; i < walker->ncaches && error == 0; i++)
        arena_walk_cache(walker, walker->cache_at[i]);
    arena_release(walker);
    return error < 0 ? error : (int64_t)walker->chunks;
}

static void report_all(const struct arena_violation *violations, unsigned n, arena_callback *callback,
                       void *context)
{
    for (unsigned i = 0; i < n; i++)
        callback(context, &violations[i]);
}

int64_t arena_walk(struct arena_walker *walker, arena_callback *callback, void *context)
{
    int64_t chunks = walk_once(walker);
    if (chunks >= 0)
        report_all(walker->found, walker->nfound, callback, context);
    return chunks;
}

static bool is_found(const struct arena_walker *walker, const struct arena_violation *violation)
{
    for (unsigned i = 0; i < walker->nfound; i++)
        if (walker->found[i].chunk == violation->chunk && walker->found[i].fault == violation->fault &&
            walker->found[i].value == violation->value)
            return true;
    return false;
}

/* Removes the suspects that the last walk did not find. Returns the number of the others. */
static unsigned drop_passing(struct arena_walker *walker, unsigned n)
{
    unsigned left = 0;
    for (unsigned i = 0; i < n; i++)
        if (is_found(walker, &walker->suspects[i]))
            walker->suspects[left++] = walker->suspects[i];
    return left;
}

int64_t arena_check(struct arena_walker *walker, arena_callback *callback, void *context)
{
    int64_t chunks = walk_once(walker);
    unsigned n = chunks < 0 ? 0 : walker->nfound;
    memcpy(walker->suspects, walker->found, n * sizeof *walker->found);
    for (int i = 0; i < CONFIRMATIONS && n > 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE << i}, NULL);
        int64_t again = walk_once(walker);
        if (again < 0)
            return again;
        n = drop_passing(walker, n);
    }
    report_all(walker->suspects, n, callback, context);
    return chunks;
}

static int find_libc(struct dl_phdr_info *info, size_t size, void *context)
{
    struct arena_map *segment = context;
    const char *name = strrchr(info->dlpi_name, '/');
    (void)size;
    if (strcmp(name ? name + 1 : info->dlpi_name, "libc.so.6") != 0)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_W))
            continue;
        segment->low = info->dlpi_addr + header->p_vaddr;
        segment->high = segment->low + header->p_memsz;
    }
    return 1;
}

/* Most bins are empty at any time, and an empty bin points to itself. Nothing else in libc looks like this, except the
 * same array read from one bin earlier or later: the link to the next arena then is wrong. */
static bool is_main_arena(const struct arena_walker *walker, uintptr_t arena)
{
    uintptr_t next = FIELD(arena, glibc_state, next);
    if (next != arena && next % HEAP_MAX != walker->layout->heap_info)
        return false;
    unsigned empty = 0;
    for (size_t i = 0; i < BINS; i++) {
        uintptr_t at = arena + offsetof(struct glibc_state, bins) + i * 2 * WORD;
        uintptr_t head = at - offsetof(struct glibc_chunk, forward);
        uint64_t forward = arena_word(at), backward = arena_word(at + WORD);
        if (!forward || !backward || forward % WORD || backward % WORD)
            return false;
        empty += forward == head && backward == head;
    }
    return empty > BINS / 4;
}

static uintptr_t find_main_arena(const struct arena_walker *walker)
{
    struct arena_map segment = {0};
    uintptr_t found = 0;
    dl_iterate_phdr(find_libc, &segment);
    segment.low = (segment.low + WORD - 1) & ~(WORD - 1);
    for (uintptr_t at = segment.low; at + sizeof(struct glibc_state) <= segment.high; at += WORD) {
        if (!is_main_arena(walker, at))
            continue;
        if (found)
            return 0;
        found = at;
    }
    return found;
}

/* Reads the mark of a block that was just put into this thread's cache. The first allocations empty the cache of that
 * size. */
static uint64_t read_mark(size_t size)
{
    void *volatile blocks[CACHE_ROOM];
    for (int i = 0; i < CACHE_ROOM; i++)
        blocks[i] = malloc(size);
    for (int i = 1; i < CACHE_ROOM; i++)
        free(blocks[i]);
    uintptr_t chunk = (uintptr_t)blocks[1] - chunk_block(0);
    __asm__("" : "+r"(chunk)); /* hides from the compiler that a freed block is read */
    uint64_t mark = blocks[1] ? FIELD(chunk, glibc_chunk, backward) : 0;
    free(blocks[0]);
    return mark;
}

/* A block may be larger than requested and be in another list, so two sizes must agree. */
static void learn_mark(struct arena_walker *walker)
{
    static const size_t sizes[] = {24, 56, 88, 120};
    uint64_t last = 0;
    walker->caches = walker->layout->cache == GLIBC_CACHE_OWNER;
    if (walker->layout->cache != GLIBC_CACHE_PROCESS)
        return;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !walker->caches; i++) {
        walker->cache_key = read_mark(sizes[i]);
        walker->caches = walker->cache_key && walker->cache_key == last;
        last = walker->cache_key;
    }
}

static void copy_first(void *context, const struct arena_violation *violation)
{
    struct arena_violation *first = context;
    if (!first->chunk)
        *first = *violation;
}

__attribute__((format(printf, 3, 4))) static int fail(char *reason, size_t size, const char *sentence, ...)
{
    va_list arguments;
    va_start(arguments, sentence);
    vsnprintf(reason, size, sentence, arguments);
    va_end(arguments);
    return -ENOTSUP;
}

/* A fresh heap must match the layout, and malloc must allocate from it. */
static int verify(struct arena_walker *walker, char *reason, size_t size)
{
    struct arena_violation first = {0};
    void *block = malloc(100);
    uintptr_t chunk = (uintptr_t)block - chunk_block(0);
    int64_t chunks = arena_check(walker, copy_first, &first);
    bool ours = block && arena_holds(walker, chunk) && chunk_size(chunk) >= 112 && chunk_size(chunk) <= 128;
    free(block);
    if (chunks == -EBUSY)
        return fail(reason, size, "glibc's heaps are locked, or not at the addresses of brk");
    if (chunks < 0)
        return fail(reason, size, "glibc has too many heaps to walk, or /proc cannot be read");
    if (!ours)
        return fail(reason, size, "malloc does not take its memory from glibc's heaps");
    if (first.chunk)
        return fail(reason, size, "glibc's heaps are not as expected at the start: wrong %s",
                    arena_fault_name(first.fault));
    return 0;
}

int arena_open(struct arena_walker *ret, char *reason, size_t size)
{
    static const char name[] = "glibc.malloc.hugetlb=";
    const char *tunables = getenv("GLIBC_TUNABLES"), *huge = tunables ? strstr(tunables, name) : NULL;
    memset(ret, 0, sizeof *ret);
    ret->layout = glibc_layout_find(gnu_get_libc_version(), reason, size);
    if (!ret->layout)
        return -ENOTSUP;
    if (huge && strtoul(huge + strlen(name), NULL, 0) > 1) /* another size and alignment */
        return fail(reason, size, "GLIBC_TUNABLES selects heaps of huge pages, which cannot be walked");
    ret->main = find_main_arena(ret);
    ret->break_start = arena_find_break();
    if (!ret->main)
        return fail(reason, size, "glibc's main arena is not found in libc.so.6");
    if (!ret->break_start)
        return fail(reason, size, "/proc/self/stat lacks the start of the heap");
    learn_mark(ret);
    return verify(ret, reason, size);
}
