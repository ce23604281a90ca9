/* Recipes to NumPy arrays, through NumPy's C API. Attached. */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

#include "core/plan/recipe.h"

/* A new array, filled from (seed, stream). The buffer belongs to the array's base, a capsule, never another array.
 * Returns a new reference, or NULL with a Python exception set. */
PyObject *array_build(const struct recipe *recipe, uint64_t seed, uint64_t stream);

/* Is it exactly an ndarray (no subclass)? False without NumPy. */
bool array_is_exact(PyObject *object);

/* Does it own its data? Exact arrays only. */
bool array_is_writeable(PyObject *object);
bool array_owns_data(PyObject *object);
