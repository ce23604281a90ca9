/* Searches for the holder of an object: a path of pointers, outwards, through native blocks and objects to a module of
 * Python, the data of a shared object or a thread's memory.
 *
 * Contract. Child main, while no other thread changes memory: attached and with the workers parked, or after the end of
 * Python. Reads memory as words, and takes any word that could be a pointer for one: a path may be chance, but the lack
 * of one is certain.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/counted.h"

struct holder_path {
    enum holder holder;
    uint64_t address; /* of the pointer in static data; 0 elsewhere */
    uint64_t site;    /* of the nearest native block on the path; 0: none */
    unsigned steps;   /* native blocks and objects on the way */
    char text[256];   /* "item <- list <- a block of 64 bytes <- x.so+0x4080" */
};

/* is_alive: Python has not ended. Then the interpreter's own data, which have stale pointers too, are searched last and
 * only count for an object with a single reference. */
void holder_find(PyObject *object, bool is_alive, struct holder_path *path);
