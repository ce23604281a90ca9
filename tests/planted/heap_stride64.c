/* Writes the last column of a matrix with rows of 64 bytes and too many rows: a store every 64 bytes, the first
 * at the end of the block, the last almost 1 KiB behind it. */
#include "planted_heap.h"

enum { ROW = 64 / 8, ROWS = 4, TOO_MANY = 1024 / 64, WORDS = ROWS * ROW - 1 };

static void heap_bug(void)
{
    volatile uint64_t *block = planted_hide(malloc(WORDS * sizeof *block));
    if (!block)
        return;
    for (int i = ROW - 1; i < WORDS + TOO_MANY * ROW; i += ROW)
        block[i] = PLANTED_WORD;
    free((void *)block);
}

static void heap_twin(void)
{
    volatile uint64_t *block = planted_hide(malloc(WORDS * sizeof *block));
    if (!block)
        return;
    for (int i = ROW - 1; i < WORDS; i += ROW)
        block[i] = PLANTED_WORD;
    free((void *)block);
}

PLANTED_HEAP(heap_stride64)
