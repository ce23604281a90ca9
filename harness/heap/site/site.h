/* Allocation sites, and the choice of the blocks that lie between inaccessible pages: the first block of each site,
 * then one of every `every` blocks, and all blocks of a site in focus.
 *
 * Contract. site_wants_pages runs on any thread inside a heap call, on that thread's own table; the process-wide table
 * is lock-free. site_add_focus is called before other threads start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SITE_CACHE 512
#define SITE_FOCUS_MAX 16

/* A thread's cache of sites. */
struct site_cache {
    struct {
        uint64_t key;
        uint32_t left; /* allocations until the next block between pages */
    } entries[SITE_CACHE];
};

/* Starts sampling. every: one block of this number; 0: the first block of each site only. */
void site_start_sampling(uint32_t every);
bool site_is_sampling(void);

/* A site to watch: a return address, as a file and the offset in it. */
struct site_focus {
    char module[128]; /* the end of the file's path; "*": every site; "arrays": all array data */
    uint64_t offset;
};

/* Returns 0 or -ENOSPC. */
int site_add_focus(const struct site_focus *focus);
bool site_has_focus(void);

/* Changes when the caches of threads are out of date. */
extern uint64_t site_salt;

/* The slow path of site_wants_pages: the entry is unknown or has run out. */
bool site_decide(struct site_cache *cache, uint64_t key, uint64_t caller, bool array);

static inline bool site_wants_pages(struct site_cache *cache, uint64_t caller, uint16_t step, bool array)
{
    uint64_t key = (caller ^ (uint64_t)step << 48 ^ site_salt) * UINT64_C(0x9e3779b97f4a7c15);
    unsigned slot = (unsigned)(key >> 55);
    if (__builtin_expect(cache->entries[slot].key == key && --cache->entries[slot].left > 0, 1))
        return false;
    return site_decide(cache, key, caller, array);
}
