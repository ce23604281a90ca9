/* Counts the pointers to objects in the memory of the process: what an object's references are made of, but for those
 * that were lost.
 *
 * Contract. Child main, attached, while the workers are parked. Any word that could be a pointer counts, also in memory
 * that was freed; none is left out, except in the data of the child itself and in memory that a process shares.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#define POINTERS_MAX 512

struct pointers {
    int64_t words[POINTERS_MAX];   /* in all memory */
    int64_t tracked[POINTERS_MAX]; /* in objects that the collector tracks: a popped item is not there */
};

/* An address in a form that is no pointer to it. */
static inline uintptr_t pointers_hide(const void *at)
{
    return ~(uintptr_t)at;
}

/* Counts the pointers to each native block of the guard's heap, and into it. blocks: hidden, at most POINTERS_MAX.
 * Returns false where memory cannot be read. */
bool pointers_to_blocks(const uintptr_t *blocks, unsigned n, int64_t *counts);

/* Counts the pointers to each object; the objects differ. Returns false where memory cannot be read. */
bool pointers_count(PyObject *const *objects, unsigned n, struct pointers *pointers);
