/* Frees its block twice, on one thread and with nothing in between. */
#include "planted_heap.h"

enum { BLOCK = 40 };

static void heap_bug(void)
{
    void *block = malloc(BLOCK);
    void *kept = planted_hide(block);
    free(block);
    free(kept);
}

static void heap_twin(void)
{
    void *block = planted_hide(malloc(BLOCK));
    free(block);
}

PLANTED_HEAP(heap_double_free)
