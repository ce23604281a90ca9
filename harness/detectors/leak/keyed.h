/* Static tables with open addressing. An entry begins with its key: 64 bits, 0 in an unused entry. One thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The entry with this key; claims an unused one if there is none. Returns NULL if the table is full. */
static inline void *keyed_entry(void *entries, size_t n, size_t size, uint64_t key)
{
    size_t place = (size_t)((key ^ key >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32) % n;
    for (size_t i = 0; i < n; i++, place = (place + 1) % n) {
        char *entry = (char *)entries + place * size;
        uint64_t there;
        memcpy(&there, entry, sizeof there);
        if (there == 0)
            memcpy(entry, &key, sizeof key);
        if (there == 0 || there == key)
            return entry;
    }
    return NULL;
}
