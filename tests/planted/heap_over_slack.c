/* Writes one byte past a block of 20, which malloc rounds up: no other data are damaged. */
#include "planted_heap.h"

enum { BLOCK = 20 };

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

PLANTED_HEAP(heap_over_slack)
