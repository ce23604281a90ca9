/* Which glibc versions keep their heaps in a layout that is known. Both programs: the child walks the heaps, and
 * `ftstress doctor` says whether it can.
 *
 * The rows are read from glibc's sources at the release tags: struct malloc_state, its fenceposts and the rules of its
 * bins are the same from 2.30 to 2.42; what differs is in the row. Walks were run on 2.36.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What marks a block in a thread's cache. */
enum glibc_cache {
    GLIBC_CACHE_UNKNOWN, /* caches are not walked */
    GLIBC_CACHE_OWNER,   /* the address of the cache */
    GLIBC_CACHE_PROCESS  /* one random number for the process */
};

struct glibc_layout {
    unsigned first, last;   /* minor versions of glibc 2 */
    size_t heap_info;       /* bytes before the first arena or chunk of a heap */
    bool protected_links;   /* single links are mixed with the address that holds them */
    enum glibc_cache cache; /* of 64 bins with counters of 16 bits */
};

/* `version` is what gnu_get_libc_version says. Returns NULL and one sentence in `reason` where no row fits. */
const struct glibc_layout *glibc_layout_find(const char *version, char *reason, size_t size);
