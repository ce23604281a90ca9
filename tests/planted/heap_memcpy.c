/* Overflows its block by 8 bytes in libc's memcpy: the store is not in this module. */
#include "planted_heap.h"

#include <string.h>

enum { BLOCK = 56, TOO_MANY = 8 };

static const char source[BLOCK + TOO_MANY] =
    "AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEEFFFFFFFFGGGGGGGGHHHHHHH";

/* The compiler calls the library if it does not know the size. */
static volatile size_t too_many = BLOCK + TOO_MANY, enough = BLOCK;

static void heap_bug(void)
{
    void *block = planted_hide(malloc(BLOCK));
    if (!block)
        return;
    memcpy(block, source, too_many);
    free(planted_hide(block));
}

static void heap_twin(void)
{
    void *block = planted_hide(malloc(BLOCK));
    if (!block)
        return;
    memcpy(block, source, enough);
    free(planted_hide(block));
}

PLANTED_HEAP(heap_memcpy)
