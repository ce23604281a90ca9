/* The census: how many Python objects of each type there are, of types that the collector does not track, too, and
 * when and where they were made. CPython's own allocators stay underneath.
 *
 * Contract. census_enable and census_take_domains come before Python starts, on the child's first thread. Counts are
 * taken on child main, attached or after the end of Python, while all other threads are parked. Counting allocates
 * nothing.
 */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "heap/site/addresses.h"

#define CENSUS_TYPES 4096

struct census_row {
    PyTypeObject *type;
    uint64_t live[EPOCHS];     /* by when they were made */
    uint64_t immortal[EPOCHS]; /* apart from them: nobody will ever free these */
};

struct census {
    struct census_row *rows; /* CENSUS_TYPES places by hash of the type; unused ones have none */
    uint64_t objects, blocks;
};

/* Does nothing unless it is asked for: then census_take_domains will take the domains over. */
void census_enable(bool on);
bool census_is_on(void);

/* The interpreter makes no objects immortal but constants of its own: others that are were made so by their modules. */
void census_set_mortal(bool on);
bool census_is_mortal(void);

/* Between Py_PreInitialize and Py_Initialize. The object domain is listened to; where the guard is on, the blocks of
 * the memory domain are the guard's, so that they have a site. */
void census_take_domains(void);

/* Keep stacks of allocations from now on. */
void census_store_stacks(void);

/* rows: CENSUS_TYPES of them; overwritten. */
void census_take(struct census *census);

/* The row of a type, a new one where it has none; NULL when the table is full. */
struct census_row *census_row(struct census *census, PyTypeObject *type);

/* Of all epochs. */
int64_t census_live(const struct census_row *row);

/* Calls visit for every object of this type that was made in this epoch or later, until it returns false. */
void census_visit(const PyTypeObject *type, enum epoch since, bool (*visit)(void *context, PyObject *object),
                  void *context);

/* "module.Type" into text. Returns true when it is neither the interpreter's nor the standard library's. Attached, and
 * while Python lives: it asks the type for its module. */
bool census_type_name(PyTypeObject *type, char *text, size_t size);

/* Where most objects of this type that were made since the epoch come from; 0 when nobody knows. */
uint64_t census_site_of(const PyTypeObject *type, enum epoch since);
