/* The census: the number of Python objects of each type, including types that the collector does not track, with the
 * epoch and the allocation site of each object. CPython's own allocators stay underneath.
 *
 * Contract. census_enable and census_take_domains come before Python starts, on the child's first thread. Counts are
 * taken on child main, attached or after the end of Python, while all other threads are parked. Counting allocates
 * nothing.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "heap/site/addresses.h"

#define CENSUS_TYPES 4096

struct census_row {
    PyTypeObject *type;
    uint64_t live[EPOCHS];     /* by the epoch of their allocation */
    uint64_t immortal[EPOCHS]; /* not in `live`: they are never freed */
};

/* Makes census_take_domains take the domains over, or not. */
void census_enable(bool on);
/* Returns 0, or -ENOTSUP if the domains are not taken over: `start` of the detectors that count. */
int census_start(void);

/* This interpreter makes only its own constants immortal; then other immortal objects are a module's. */
extern bool census_mortal;

/* Between Py_PreInitialize and Py_Initialize. Records the blocks of the object domain; if the guard is on, it takes the
 * blocks of the memory domain, so that they have a site. */
void census_take_domains(void);

/* Stores the stacks of allocations from now on. */
void census_store_stacks(void);

/* Counts all objects. rows: CENSUS_TYPES of them, overwritten; by hash of the type, and without one if unused. Calls
 * visit_raw, or nothing if it is NULL, for each block without an object: memory that C code got from PyObject_Malloc,
 * or an object in a free list. Returns the number of blocks. */
uint64_t census_take(struct census_row *rows, void (*visit_raw)(const void *block, enum epoch epoch));

/* The row of a type, a new one if it has none; NULL if the table is full. */
struct census_row *census_row(struct census_row *rows, PyTypeObject *type);

/* The live objects of all epochs. */
int64_t census_live(const struct census_row *row);

/* Calls visit for every object of this type from this epoch or later, until it returns false. */
void census_visit(const PyTypeObject *type, enum epoch since, bool (*visit)(void *context, PyObject *object),
                  void *context);

/* Writes "module.Type" into text. Returns true if the type is neither the interpreter's nor the standard library's.
 * Attached, before Python ends: it reads the type's __module__. */
bool census_type_name(PyTypeObject *type, char *text, size_t size);

/* The most frequent allocation site of the objects of this type since the epoch; 0: not known. */
uint64_t census_site_of(const PyTypeObject *type, enum epoch since);
