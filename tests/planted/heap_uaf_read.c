/* Frees its block and reads from the middle of it. Nothing is damaged: only a trap can see this. */
#include "planted_heap.h"

enum { WORDS = 8, MIDDLE = 4 };

static void heap_bug(void)
{
    void *block = malloc(WORDS * sizeof(uint64_t));
    volatile uint64_t *kept = planted_hide(block);
    if (!kept)
        return;
    kept[MIDDLE] = PLANTED_WORD;
    free(block);
    volatile uint64_t sink = kept[MIDDLE];
    (void)sink;
}

static void heap_twin(void)
{
    void *block = malloc(WORDS * sizeof(uint64_t));
    volatile uint64_t *kept = planted_hide(block);
    if (!kept)
        return;
    kept[MIDDLE] = PLANTED_WORD;
    volatile uint64_t sink = kept[MIDDLE];
    (void)sink;
    free(block);
}

PLANTED_HEAP(heap_uaf_read)
