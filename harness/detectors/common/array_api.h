/* NumPy's C API for every file of the child but array.c, which imports its table. */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifndef FTSTRESS_IMPORT_ARRAY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include <stdbool.h>

/* A venv without NumPy has no table, and then nothing is an array. */
static inline bool array_api_has(PyObject *object)
{
    return PyArray_API && PyArray_Check(object);
}
