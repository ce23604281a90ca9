/* Writes one byte past a block of 24, which malloc does not round: in glibc the size of the next chunk. */
#include "planted_heap.h"

enum { BLOCK = 24 };

static void heap_bug(void)
{
    volatile char *block = planted_hide(malloc(BLOCK));
    if (!block)
        return;
    for (int i = 0; i <= BLOCK; i++)
        block[i] = PLANTED_BYTE;
    free((void *)block);
}

static void heap_twin(void)
{
    volatile char *block = planted_hide(malloc(BLOCK));
    if (!block)
        return;
    for (int i = 0; i < BLOCK; i++)
        block[i] = PLANTED_BYTE;
    free((void *)block);
}

PLANTED_HEAP(heap_over_one)
