/* Writes the 8 bytes before its block: in glibc the size of the block's own chunk. */
#include "planted_heap.h"

enum { WORDS = 3 };

static void heap_bug(void)
{
    volatile uint64_t *block = planted_hide(malloc(WORDS * sizeof *block));
    if (!block)
        return;
    for (int i = WORDS - 1; i >= -1; i--)
        block[i] = PLANTED_WORD;
    free((void *)block);
}

static void heap_twin(void)
{
    volatile uint64_t *block = planted_hide(malloc(WORDS * sizeof *block));
    if (!block)
        return;
    for (int i = WORDS - 1; i >= 0; i--)
        block[i] = PLANTED_WORD;
    free((void *)block);
}

PLANTED_HEAP(heap_under)
