/* Stores another length in its input's shape and restores the old one, on every call. */
#define PLANTED_NUMPY
#include "planted.h"

static void store_and_restore(volatile npy_intp *length)
{
    npy_intp right = *length;
    *length = planted_other_length(right);
    *length = right;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = planted_array(x);
    if (!array)
        return NULL;
    store_and_restore(PyArray_DIMS(array));
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = planted_array(x);
    if (!array)
        return NULL;
    npy_intp copy = PyArray_DIM(array, 0);
    store_and_restore(&copy);
    Py_RETURN_NONE;
}

PLANTED_MODULE(tripwire_meta, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
