/* Allocation sites: which block is to lie between inaccessible pages. The first one of each site is, then one in so
 * many everywhere, and all of a site in focus.
 *
 * Contract. site_wants_pages runs on any thread inside a heap call, on that thread's own table; the process-wide table
 * is lock-free. site_focus is called before the other threads are started.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SITE_CACHE 512
#define SITE_FOCUS_MAX 16

/* What a thread knows of the sites that it has met. */
struct site_cache {
    struct {
        uint64_t key;
        uint32_t left; /* allocations until the next one that is put between pages */
    } entries[SITE_CACHE];
};

/* Sampling is off until this is called; every: one block in so many, 0: none but the first of each site. */
void site_start_sampling(uint32_t every);
bool site_is_sampling(void);

/* A site to watch: a return address by its file and the offset in it. */
struct site_focus {
    char module[128]; /* the end of the file's path; "*": every site, "arrays": all array data */
    uint64_t offset;
};

/* Returns 0 or -ENOSPC. */
int site_add_focus(const struct site_focus *focus);
bool site_has_focus(void);

/* Changes when what threads have cached is no longer right. */
extern uint64_t site_salt;

/* Slow half: the entry is not known or has run out. */
bool site_decide(struct site_cache *cache, uint64_t key, uint64_t caller, bool array);

static inline bool site_wants_pages(struct site_cache *cache, uint64_t caller, uint16_t step, bool array)
{
    uint64_t key = (caller ^ (uint64_t)step << 48 ^ site_salt) * UINT64_C(0x9e3779b97f4a7c15);
    unsigned slot = (unsigned)(key >> 55);
    if (__builtin_expect(cache->entries[slot].key == key && --cache->entries[slot].left > 0, 1))
        return false;
    return site_decide(cache, key, caller, array);
}
