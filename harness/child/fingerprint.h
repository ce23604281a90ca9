/* Do statements change the Python objects that they share, as far as one thread can tell? Where they do, another
 * thread's odd value or exception is the sharing's, not the target's.
 * Child main, attached.
 */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

/* Pickles of the objects in `names` that `used` (a set of names) reads, modules, callables and arrays aside.
 * Returns a new dict, or NULL without memory. */
PyObject *fingerprint_take(PyObject *names, PyObject *used);

/* Has any of them changed since? What has no pickle counts as changed. */
bool fingerprint_changed(PyObject *fingerprint, PyObject *names);
