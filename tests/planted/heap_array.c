/* Makes a result of 10 float64 and writes 11: as a function does if another thread changes a shape. */
#define PLANTED_NUMPY
#include "planted_heap.h"

enum { COUNT = 10 };

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    npy_intp count = COUNT;
    PyObject *result = PyArray_SimpleNew(1, &count, NPY_DOUBLE);
    if (!result)
        return NULL;
    volatile double *data = planted_hide(PyArray_DATA((PyArrayObject *)result));
    for (int i = 0; i <= COUNT; i++)
        data[i] = i + 1;
    return result;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    npy_intp count = COUNT;
    PyObject *result = PyArray_SimpleNew(1, &count, NPY_DOUBLE);
    if (!result)
        return NULL;
    volatile double *data = planted_hide(PyArray_DATA((PyArrayObject *)result));
    for (int i = 0; i < COUNT; i++)
        data[i] = i + 1;
    return result;
}

PLANTED_MODULE(heap_array, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
