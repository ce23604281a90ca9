/* Writes 8 bytes from 4,000 bytes past the end of the block on: past the canary, and less than a page away. */
#include "planted_heap.h"

enum { WORDS = 9, AWAY = 4000 / 8 };

static void heap_bug(void)
{
    volatile uint64_t *block = planted_hide(malloc(WORDS * sizeof *block));
    if (!block)
        return;
    block[WORDS + AWAY] = PLANTED_WORD;
    free((void *)block);
}

static void heap_twin(void)
{
    volatile uint64_t *block = planted_hide(malloc(WORDS * sizeof *block));
    if (!block)
        return;
    block[WORDS - 1] = PLANTED_WORD;
    free((void *)block);
}

PLANTED_HEAP(heap_far4000)
