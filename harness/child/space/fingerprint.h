/* Shows whether statements change the Python objects that they share. Where they do, an odd value or an exception in
 * another thread comes from the sharing, not from a bug of the target. Child main, attached.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>

enum fingerprint_verdict {
    FINGERPRINT_SAME,
    FINGERPRINT_OPAQUE,  /* no change is seen, but an object of a package has no pickle */
    FINGERPRINT_UNKNOWN, /* likewise of the interpreter or the setup: locks, iterators, open files */
    FINGERPRINT_CHANGED
};

/* Pickles the objects in `names` that are in the set `used`, except modules, callables and arrays. Without a pickle, a
 * container or an object without state in C gives what it refers to, and others their own memory, length and
 * attributes. Returns a new dict, or NULL without memory. */
PyObject *fingerprint_take(PyObject *names, PyObject *used);

/* *ret_name: the name of the object that the verdict is about, borrowed from the fingerprint; NULL for SAME. */
enum fingerprint_verdict fingerprint_compare(PyObject *fingerprint, PyObject *names, PyObject **ret_name);

/* Takes what only the statement or its own code can have changed: which objects the containers of the interpreter hold,
 * and the values of objects that are no package's. ids: set that gets their addresses,
 * and the types of plain ones. Returns NULL without memory. */
PyObject *fingerprint_skeleton(PyObject *names, PyObject *used, PyObject *ids);

/* Is it an object that is taken? */
bool fingerprint_covers(PyObject *object);
