/* Writes through the old pointer after realloc has moved the block. */
#include "planted_heap.h"

enum { WORDS = 8, MIDDLE = 4, MORE = 4096 };

static void heap_bug(void)
{
    void *block = malloc(WORDS * sizeof(uint64_t));
    volatile uint64_t *old = planted_hide(block);
    void *barrier =
        planted_hide(malloc(WORDS * sizeof(uint64_t))); /* keeps the block from growing in place */
    volatile uint64_t *moved = planted_hide(realloc(block, MORE));
    if (old && moved && moved != old)
        old[MIDDLE] = PLANTED_WORD;
    free((void *)moved);
    free(barrier);
}

static void heap_twin(void)
{
    void *block = malloc(WORDS * sizeof(uint64_t));
    volatile uint64_t *old = planted_hide(block);
    void *barrier = planted_hide(malloc(WORDS * sizeof(uint64_t)));
    volatile uint64_t *moved = planted_hide(realloc(block, MORE));
    if (old && moved && moved != old)
        moved[MIDDLE] = PLANTED_WORD;
    free((void *)moved);
    free(barrier);
}

PLANTED_HEAP(heap_realloc)
