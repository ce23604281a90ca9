/* Frees its block and writes 8 bytes into the middle of it, past the links that glibc keeps in a free chunk. */
#include "planted_heap.h"

enum { WORDS = 8, MIDDLE = 4 };

static void heap_bug(void)
{
    void *block = malloc(WORDS * sizeof(uint64_t));
    volatile uint64_t *kept = planted_hide(block);
    if (!kept)
        return;
    free(block);
    kept[MIDDLE] = PLANTED_WORD;
}

static void heap_twin(void)
{
    void *block = malloc(WORDS * sizeof(uint64_t));
    volatile uint64_t *kept = planted_hide(block);
    if (!kept)
        return;
    kept[MIDDLE] = PLANTED_WORD;
    free(block);
}

PLANTED_HEAP(heap_uaf_write)
