/* See stir.h for the contract. */
#include "detectors/common/stir.h"

#include <stdlib.h>
#include <string.h>

#include "detectors/common/array_api.h"

/* All small sizes that have a list of their own in the allocator, with more blocks than such a list holds, and blocks
 * that cover the first megabyte of free memory at the end of a heap. */
#define SMALL_STEP 16
#define SMALL_MAX 1040
#define SMALL_EACH 9
#define LARGE_BYTES (16u << 10)
#define LARGE_COUNT 64
#define BLOCKS (SMALL_MAX / SMALL_STEP * SMALL_EACH + LARGE_COUNT)
#define HELD 48
#define ARRAYS 9

static void *held[HELD];

/* Other bytes in each turn. None is zero, because fresh memory is zero. */
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

/* NumPy may have a cache of freed data: stirs that through its own functions. */
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

void stir_memory(uint64_t turn)
{
    /* Holds some blocks until the next turn, others in each turn, so that the next allocations have other addresses. */
    stir_end();
    for (size_t i = 0; i < HELD; i++)
        if ((turn * 2654435761U >> (i % 24)) & 1)
            held[i] = malloc(16 + 16 * (i + turn % 3));
    stir_heap(turn);
    stir_arrays(turn);
}

void stir_end(void)
{
    for (size_t i = 0; i < HELD; i++) {
        free(held[i]);
        held[i] = NULL;
    }
}
