/* Frees a pointer 16 bytes into its block, and then the block itself. */
#include "planted_heap.h"

enum { BLOCK = 88, INTO = 16 };

static void heap_bug(void)
{
    char *block = planted_hide(malloc(BLOCK));
    if (!block)
        return;
    free(planted_hide(block + INTO));
    free(block);
}

static void heap_twin(void)
{
    char *block = planted_hide(malloc(BLOCK));
    free(block);
}

PLANTED_HEAP(heap_interior_free)
