/* Shows whether statements change the Python objects that they share. Where they do, an odd value or an exception in
 * another thread comes from the sharing, not from a bug of the target. Child main, attached.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>

enum fingerprint_verdict {
    FINGERPRINT_SAME,
    FINGERPRINT_UNKNOWN, /* no change is seen, but an object has no pickle */
    FINGERPRINT_CHANGED
};

/* Pickles the objects in `names` that are in the set `used`, except modules, callables and arrays. An object without a
 * pickle gives its own memory, length and attributes. Returns a new dict, or NULL without memory. */
PyObject *fingerprint_take(PyObject *names, PyObject *used);

/* Is it an object that is taken? */
bool fingerprint_covers(PyObject *object);

enum fingerprint_verdict fingerprint_compare(PyObject *fingerprint, PyObject *names);
