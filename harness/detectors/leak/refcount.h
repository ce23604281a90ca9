/* Objects that the refcount detector holds until the process ends, because calls release them too often. */
#pragma once

#include <Python.h>

#include <stdbool.h>

/* Any time after the last window. */
bool refcount_holds(const PyObject *object);
