/* Objects with no state in C: all of it is in `__dict__`, in slots and in the data of their classes.
 *
 * Contract. Attached, while no call runs. Runs no code of the target.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>

/* Does the object have no memory but its slots and the pointer to its attributes? */
bool plain_is(PyObject *object);

/* Returns a new dict of attributes, slots and data of the classes; NULL without memory. */
PyObject *plain_state(PyObject *object);

/* Can an expression that uses `used` run Python code of the class, which may change anything? used: tuple of names. */
bool plain_runs_code(PyTypeObject *type, PyObject *used);
