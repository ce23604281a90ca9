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
    int64_t words[POINTERS_MAX]; /* in all memory */
    int64_t
        tracked[POINTERS_MAX]; /* of objects that the collector tracks: a list shows no item that it popped */
};

/* Counts the pointers to each object; the objects differ. Returns false where memory cannot be read. */
bool pointers_count(PyObject *const *objects, unsigned n, struct pointers *pointers);
