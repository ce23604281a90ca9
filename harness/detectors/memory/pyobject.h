/* Checks a Python object: its head, and the debug allocator's bytes around its memory.
 *
 * Contract. Child main, attached, one thread at a time, best while the world is stopped; readable_forget and
 * pyobject_forget come before each walk. The checks allocate nothing, take no lock, run no Python code, and do not
 * fault on damaged objects. They pass an object in an unclear case: a false alarm is worse than a miss.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stddef.h>

#include "detectors/common/pyversion.h"
#include "detectors/memory/debug_block.h"

enum pyobject_fault {
    PYOBJECT_SOUND,
    PYOBJECT_NOWHERE, /* not in readable memory */
    PYOBJECT_FREED,
    PYOBJECT_TYPE,  /* its type is not a type */
    PYOBJECT_COUNT, /* its reference count is negative */
    PYOBJECT_UNDERRUN,
    PYOBJECT_SIZE,
    PYOBJECT_OVERRUN,
    PYOBJECT_FAULTS
};

struct pyobject_look {
    enum pyobject_fault fault;
    bool buffer;       /* the fault is in the items or bytes that it owns, not in its own memory */
    bool foreign;      /* its memory could not be checked */
    const void *block; /* of the memory at fault */
    size_t head;       /* bytes of the block before its user's */
};

/* Sets the layout of this version of Python. Without one no object can be checked. */
void pyobject_set_layout(const struct pyobject_layout *given);
bool pyobject_has_layout(void);

void pyobject_forget(void);

/* Reads the number of references, exact while no thread changes it; *ret_count is set unless it is immortal. */
enum pyobject_references pyobject_references(PyObject *object, Py_ssize_t *ret_count);

/* Adds n references at once, or drops -n; the caller holds one more than those. Attached; the object is not
 * immortal. */
void pyobject_add_references(PyObject *object, Py_ssize_t n);

/* The object in a block of CPython's object domain; NULL if there is none, or it is in a free list. */
PyObject *pyobject_in_block(char *block);
/* The block of an object with a sound head. */
char *pyobject_block(PyObject *object);

/* Checks its place, its type and its count. Only then its memory may be checked. */
enum pyobject_fault pyobject_check_head(PyObject *object);
struct pyobject_look pyobject_check_memory(PyObject *object);

/* The name of its type, cut, in printable characters. Its head is sound. */
void pyobject_type_name(PyObject *object, char *text, size_t size);

/* Writes one sentence. holder: the object that refers to it; NULL if the collector tracks it. */
void pyobject_describe(PyObject *object, const struct pyobject_look *look, PyObject *holder, char *text,
                       size_t size);
extern const char *const pyobject_fault_names[PYOBJECT_FAULTS];
