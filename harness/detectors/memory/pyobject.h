/* Is this Python object sound? Its head, and the debug allocator's bytes around its memory.
 *
 * Contract. Child main, attached, one thread at a time, best while the world is stopped; readable_forget and
 * pyobject_forget come before each walk. The checks allocate nothing, take no lock, run no Python code, and do not
 * fault on damaged objects. They say nothing about what they cannot tell: a false alarm is worse than a miss.
 */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stddef.h>

#include "detectors/memory/debug_block.h"

/* What is known of an object's references. */
enum pyobject_references {
    PYOBJECT_COUNTED,
    PYOBJECT_DEFERRED, /* counted, but for what the interpreter's own stacks hold */
    PYOBJECT_IMMORTAL, /* not counted at all */
};

/* How far an object lies from the start of its block; child/pyversion.c knows. */
struct pyobject_layout {
    size_t gc_head;   /* before every object that the collector knows */
    size_t preheader; /* before those with a managed dict or weak references */
    size_t list_head; /* before the items of a list, in their own block */
    enum pyobject_references (*references)(PyObject *object, Py_ssize_t *ret_count);
    void (*add_references)(PyObject *object, Py_ssize_t n);
};

enum pyobject_fault {
    PYOBJECT_SOUND,
    PYOBJECT_NOWHERE, /* not in readable memory */
    PYOBJECT_FREED,
    PYOBJECT_TYPE,  /* its type is none */
    PYOBJECT_COUNT, /* of references, negative */
    PYOBJECT_UNDERRUN,
    PYOBJECT_SIZE,
    PYOBJECT_OVERRUN,
    PYOBJECT_FAULTS
};

struct pyobject_look {
    enum pyobject_fault fault;
    bool buffer;       /* of the items or bytes that it owns, not of the object's own memory */
    bool foreign;      /* nothing could be said about its memory */
    const void *block; /* where the fault is one of memory */
    size_t head;       /* bytes of the block before what its user knows */
};

/* What a layout is not set for cannot be looked at. */
void pyobject_set_layout(const struct pyobject_layout *given);
bool pyobject_has_layout(void);

void pyobject_forget(void);

/* The references that there are, exact when nobody takes or drops any; *ret_count is set unless it is immortal. */
enum pyobject_references pyobject_references(PyObject *object, Py_ssize_t *ret_count);

/* Takes n references at once, or drops -n: then the caller holds one more. Attached; the object is not immortal. */
void pyobject_add_references(PyObject *object, Py_ssize_t n);

/* The object in a block of CPython's object domain, or NULL when there is none, or one that waits in a free list. */
PyObject *pyobject_in_block(char *block);
/* The block of an object whose head is sound. */
char *pyobject_block(PyObject *object);

/* Where it is, its type and its count. The rest may be looked at only when this is sound. */
enum pyobject_fault pyobject_check_head(PyObject *object);
struct pyobject_look pyobject_check_memory(PyObject *object);

/* The name of its type, cut and made of printable characters. Its head is sound. */
void pyobject_type_name(PyObject *object, char *text, size_t size);

/* One sentence. holder: what refers to the object, NULL when the collector knows it. */
void pyobject_describe(PyObject *object, const struct pyobject_look *look, PyObject *holder, char *text,
                       size_t size);
extern const char *const pyobject_fault_names[PYOBJECT_FAULTS];
