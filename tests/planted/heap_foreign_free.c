/* Frees a static object. */
#include "planted_heap.h"

enum { BLOCK = 64 };

/* Zeroes lie before the pointer too, where glibc reads the size. */
static _Alignas(16) char object[2 * BLOCK];

static void heap_bug(void)
{
    free(planted_hide(object + BLOCK));
}

static void heap_twin(void)
{
    free(planted_hide(malloc(BLOCK)));
}

PLANTED_HEAP(heap_foreign_free)
