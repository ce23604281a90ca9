/* See stir.h for the contract. */
#include "detectors/common/stir.h"

#include <stdlib.h>
#include <string.h>

#include "detectors/common/array_api.h"

/* Every small size that an allocator has a list of its own for, more blocks of each than such a list holds, and blocks
 * that cover the first megabyte of a heap's free end. */
#define SMALL_STEP 16
#define SMALL_MAX 1040
#define SMALL_EACH 9
#define LARGE_BYTES (16u << 10)
#define LARGE_COUNT 64
#define BLOCKS (SMALL_MAX / SMALL_STEP * SMALL_EACH + LARGE_COUNT)
#define KEPT 48
#define ARRAYS 9

static void *kept[KEPT];

/* Other bytes in each turn, and none of them zero, as fresh memory is. */
static int pattern_of(uint64_t turn)
{
    return (int)(1 + turn * 37 % 251);
}

static size_t size_of(size_t i)
{
    return i < BLOCKS - LARGE_COUNT ? (i / SMALL_EACH + 1) * SMALL_STEP - 8 : LARGE_BYTES;
}

static void stir_heap(uint64_t turn)
{
    static void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(size_of(i));
        if (blocks[i])
            memset(blocks[i], pattern_of(turn), size_of(i));
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

/* NumPy may keep freed data by itself: through its own door, for what such a cache holds. */
static void stir_arrays(uint64_t turn)
{
    PyObject *arrays[ARRAYS];
    for (npy_intp size = 8; PyArray_API && size < 1024; size += 8) {
        for (int i = 0; i < ARRAYS; i++) {
            arrays[i] = PyArray_SimpleNew(1, &size, NPY_UBYTE);
            if (arrays[i])
                memset(PyArray_BYTES((PyArrayObject *)arrays[i]), pattern_of(turn + (uint64_t)i),
                       (size_t)size);
        }
        for (int i = 0; i < ARRAYS; i++)
            Py_XDECREF(arrays[i]);
    }
    PyErr_Clear();
}

/* Some blocks stay until the next turn, others in each: the places after them are taken differently. */
static void keep_some(uint64_t turn)
{
    stir_end();
    for (size_t i = 0; i < KEPT; i++)
        if ((turn * 2654435761U >> (i % 24)) & 1)
            kept[i] = malloc(16 + 16 * (i + turn % 3));
}

void stir_memory(uint64_t turn)
{
    keep_some(turn);
    stir_heap(turn);
    stir_arrays(turn);
}

void stir_end(void)
{
    for (size_t i = 0; i < KEPT; i++) {
        free(kept[i]);
        kept[i] = NULL;
    }
}
