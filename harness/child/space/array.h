/* Makes NumPy arrays from recipes. Attached. */
#pragma once

#include <Python.h>

#include <stdint.h>

#include "core/plan/recipe.h"

/* Makes an array, filled from (seed, stream). A capsule, the array's base, owns the buffer. Returns a new reference, or
 * NULL with a Python exception set. */
PyObject *array_build(const struct recipe *recipe, uint64_t seed, uint64_t stream);

/* Is it exactly an ndarray (no subclass)? False without NumPy. */
bool array_is_exact(PyObject *object);
