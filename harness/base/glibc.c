#include "base/glibc.h"

#include <stdio.h>

static const struct glibc_layout layouts[] = {
    {.first = 30, .last = 31, .heap_info = 32, .cache = GLIBC_CACHE_OWNER},
    {.first = 32, .last = 33, .heap_info = 32, .protected_links = true, .cache = GLIBC_CACHE_OWNER},
    {.first = 34, .last = 34, .heap_info = 32, .protected_links = true, .cache = GLIBC_CACHE_PROCESS},
    {.first = 35, .last = 41, .heap_info = 48, .protected_links = true, .cache = GLIBC_CACHE_PROCESS},
    {.first = 42, .last = 42, .heap_info = 48, .protected_links = true, .cache = GLIBC_CACHE_UNKNOWN},
};

const struct glibc_layout *glibc_layout_find(const char *version, char *reason, size_t size)
{
    unsigned minor = 0;
#ifndef __x86_64__
    snprintf(reason, size, "glibc's heaps are walked on x86-64 only");
    return NULL;
#endif
    if (sscanf(version, "2.%u", &minor) == 1)
        for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
            if (minor >= layouts[i].first && minor <= layouts[i].last)
                return &layouts[i];
    snprintf(reason, size, "the heap layout of glibc %s is not known here, only 2.30 to 2.42", version);
    return NULL;
}
