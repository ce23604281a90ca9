/* See site.h for the contract. */
#include "heap/site/site.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define TABLE 16384 /* a power of two */
#define PROBES 8
#define FOCUSED_MAX 64

uint64_t site_salt;

static _Atomic uint64_t known[TABLE]; /* keys of sites that have allocated */
static _Atomic uint64_t focused[FOCUSED_MAX];
static _Atomic unsigned nfocused;
static struct site_focus wanted_sites[SITE_FOCUS_MAX];
static unsigned nfocus;
static bool sampling;
static uint32_t sample_every;

void site_start_sampling(uint32_t every)
{
    sampling = true;
    sample_every = every ? every : UINT32_MAX;
    site_salt++;
}

bool site_is_sampling(void)
{
    return sampling;
}

bool site_has_focus(void)
{
    return nfocus > 0;
}

int site_add_focus(const struct site_focus *focus)
{
    if (nfocus == SITE_FOCUS_MAX)
        return -ENOSPC;
    wanted_sites[nfocus++] = *focus;
    site_salt++;
    return 0;
}

/* Returns true for the first query of a key. In a full table no key is new. */
static bool is_new(uint64_t key)
{
    for (unsigned i = 0; i < PROBES; i++) {
        _Atomic uint64_t *entry = &known[((key >> 40) + i) % TABLE];
        uint64_t there = atomic_load_explicit(entry, memory_order_relaxed);
        if (there == 0 && atomic_compare_exchange_strong_explicit(entry, &there, key, memory_order_relaxed,
                                                                  memory_order_relaxed))
            return true;
        if (there == key)
            return false;
    }
    return false;
}

static bool matches(const struct site_focus *wanted, uint64_t caller, bool array)
{
    Dl_info info;
    if (strcmp(wanted->module, "*") == 0)
        return true;
    if (strcmp(wanted->module, "arrays") == 0)
        return array;
    if (!dladdr((void *)(uintptr_t)caller, &info) || !info.dli_fname) /* NOLINT(performance-no-int-to-ptr) */
        return false;
    size_t length = strlen(info.dli_fname), part = strlen(wanted->module);
    return caller - (uint64_t)(uintptr_t)info.dli_fbase == wanted->offset && part > 0 && length >= part &&
           strcmp(info.dli_fname + length - part, wanted->module) == 0;
}

static bool in_focus(uint64_t key, uint64_t caller, bool array)
{
    unsigned n = atomic_load_explicit(&nfocused, memory_order_acquire);
    for (unsigned i = 0; i < n && i < FOCUSED_MAX; i++)
        if (atomic_load_explicit(&focused[i], memory_order_relaxed) == key)
            return true;
    for (unsigned i = 0; i < nfocus; i++) {
        if (!matches(&wanted_sites[i], caller, array))
            continue;
        if (n < FOCUSED_MAX) {
            atomic_store_explicit(&focused[n], key, memory_order_relaxed);
            atomic_store_explicit(&nfocused, n + 1, memory_order_release);
        }
        return true;
    }
    return false;
}

bool site_decide(struct site_cache *cache, uint64_t key, uint64_t caller, bool array)
{
    unsigned slot = (unsigned)(key >> 55);
    bool known_here = cache->entries[slot].key == key;
    cache->entries[slot].key = key;
    if (nfocus > 0 && in_focus(key, caller, array)) {
        cache->entries[slot].left = 1;
        return true;
    }
    cache->entries[slot].left = sampling ? sample_every : UINT32_MAX;
    return sampling && (known_here || is_new(key));
}
