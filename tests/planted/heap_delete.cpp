/* Releases `new int[4]` with delete instead of delete[]. */
#include "planted_heap.h"

enum { COUNT = 4 };

static void heap_bug(void)
{
    int *block = new int[COUNT];
    delete static_cast<int *>(planted_hide(block));
}

static void heap_twin(void)
{
    int *block = new int[COUNT];
    delete[] static_cast<int *>(planted_hide(block));
}

PLANTED_HEAP(heap_delete)
