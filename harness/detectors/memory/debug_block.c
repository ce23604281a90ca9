/* See debug_block.h for the contract and the picture. */
#include "detectors/memory/debug_block.h"

#include <Python.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "detectors/memory/readable.h"

#define WORD sizeof(size_t)
#define FORBIDDEN 0xfd

size_t debug_block_size(const void *block)
{
    const unsigned char *byte = (const unsigned char *)block - 2 * WORD;
    size_t size = 0;
    for (size_t i = 0; i < WORD; i++)
        size = size << 8 | byte[i];
    return size;
}

/* The number of intact bytes of the 8 before the block. */
static unsigned count_right(const void *block)
{
    const unsigned char *before = (const unsigned char *)block - WORD;
    unsigned right = before[0] == 'r' || before[0] == 'm' || before[0] == 'o';
    for (size_t i = 1; i < WORD; i++)
        right += before[i] == FORBIDDEN;
    return right;
}

unsigned debug_block_overrun(const void *block)
{
    const unsigned char *tail = (const unsigned char *)block + debug_block_size(block);
    unsigned n = WORD;
    while (n > 0 && tail[n - 1] == FORBIDDEN)
        n--;
    return n;
}

/* A damaged block must still have half of the bytes: if none matches, the object is more likely not from the debug
 * allocator, a static one for example. */
enum debug_block_state debug_block_check(const void *block)
{
    if (!readable((const char *)block - 2 * WORD, 2 * WORD))
        return DEBUG_BLOCK_FOREIGN;
    unsigned right = count_right(block);
    if (right < WORD)
        return right < WORD / 2 ? DEBUG_BLOCK_FOREIGN : DEBUG_BLOCK_UNDERRUN;
    size_t size = debug_block_size(block);
    if (size > PTRDIFF_MAX || !readable((const char *)block + size, WORD))
        return DEBUG_BLOCK_SIZE;
    return debug_block_overrun(block) ? DEBUG_BLOCK_OVERRUN : DEBUG_BLOCK_WHOLE;
}

void debug_block_hex(const void *block, enum debug_block_state state, char text[24])
{
    const unsigned char *byte = block;
    byte += state == DEBUG_BLOCK_OVERRUN ? (ptrdiff_t)debug_block_size(block) : -(ptrdiff_t)WORD;
    for (size_t i = 0; i < WORD; i++)
        snprintf(text + 3 * i, 4, i + 1 < WORD ? "%02x " : "%02x", byte[i]);
}

bool debug_block_hooked(void)
{
    void *object = PyObject_Malloc(1), *memory = PyMem_Malloc(1);
    readable_forget();
    bool hooked = object && memory && debug_block_check(object) == DEBUG_BLOCK_WHOLE &&
                  debug_block_check(memory) == DEBUG_BLOCK_WHOLE;
    PyObject_Free(object);
    PyMem_Free(memory);
    return hooked;
}
