/* NumPy's C API for every file of the child but array.c, which imports its table. */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifndef FTSTRESS_IMPORT_ARRAY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>
