/* Computes along a view with a negative stride, from the last element of a malloc'ed vector of float64 to one
 * before its first. */
#define PLANTED_NUMPY
#include "planted_heap.h"

enum { COUNT = 6 };

/* Borrows the buffer. */
static PyArrayObject *reversed(double *buffer)
{
    npy_intp count = COUNT, stride = -(npy_intp)sizeof *buffer;
    return (PyArrayObject *)PyArray_New(&PyArray_Type, 1, &count, NPY_DOUBLE, &stride, buffer + COUNT - 1, 0,
                                        NPY_ARRAY_WRITEABLE, NULL);
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    double *buffer = planted_hide(malloc(COUNT * sizeof *buffer));
    PyArrayObject *view = buffer ? reversed(buffer) : (PyArrayObject *)PyErr_NoMemory();
    if (view) {
        volatile char *at = planted_hide(PyArray_DATA(view));
        for (npy_intp i = 0; i <= PyArray_SIZE(view); i++, at += PyArray_STRIDE(view, 0))
            *(volatile double *)at = (double)(i + 1);
        Py_DECREF(view);
    }
    free(buffer);
    return view ? Py_NewRef(Py_None) : NULL;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    double *buffer = planted_hide(malloc(COUNT * sizeof *buffer));
    PyArrayObject *view = buffer ? reversed(buffer) : (PyArrayObject *)PyErr_NoMemory();
    if (view) {
        volatile char *at = planted_hide(PyArray_DATA(view));
        for (npy_intp i = 0; i < PyArray_SIZE(view); i++, at += PyArray_STRIDE(view, 0))
            *(volatile double *)at = (double)(i + 1);
        Py_DECREF(view);
    }
    free(buffer);
    return view ? Py_NewRef(Py_None) : NULL;
}

PLANTED_MODULE(heap_negative, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
