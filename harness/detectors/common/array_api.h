/* NumPy's C API: array_api.c imports its table, and every other file of the child uses it. Attached. */
#pragma once

#include <Python.h>

#ifndef FTSTRESS_IMPORT_ARRAY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include <stdbool.h>

/* Imports NumPy and its C API, once. Returns 0, or -1 with a Python exception set. */
int array_api_import(void);

/* Imports the C API when a setup has imported NumPy already. */
void array_api_adopt(void);

/* The array at the end of a chain of views; borrowed. */
static inline PyArrayObject *array_api_owner(PyArrayObject *array)
{
    PyObject *base;
    while ((base = PyArray_BASE(array)) && PyArray_Check(base))
        array = (PyArrayObject *)base;
    return array;
}

/* A venv without NumPy has no table, and then nothing is an array. */
static inline bool array_api_has(PyObject *object)
{
    return PyArray_API && PyArray_Check(object);
}
