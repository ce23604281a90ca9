/* Do statements change the Python objects that they share, as far as one thread can tell? Where they do, another
 * thread's odd value or exception is the sharing's, not the target's.
 * Child main, attached.
 */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

enum fingerprint_verdict {
    FINGERPRINT_SAME,
    FINGERPRINT_UNKNOWN, /* no change is seen, of objects that cannot be looked at whole */
    FINGERPRINT_CHANGED
};

/* Pickles of the objects in `names` that `used` (a set of names) reads, modules, callables and arrays aside; of those
 * that have none their own memory, length and attributes. Returns a new dict, or NULL without memory. */
PyObject *fingerprint_take(PyObject *names, PyObject *used);

/* Has any of them changed since? */
enum fingerprint_verdict fingerprint_compare(PyObject *fingerprint, PyObject *names);
