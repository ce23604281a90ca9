/* What the refcount detector holds on to until the end of the process, because somebody releases it too often. */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

/* Any time after the last window. */
bool refcount_keeps(const PyObject *object);
