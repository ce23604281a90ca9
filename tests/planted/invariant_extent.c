/* Returns a view of its input which reaches past the buffer when two threads are inside together. */
#define PLANTED_NUMPY
#include "planted.h"

#include <string.h>

/* Long enough to leave the buffer also where x itself is a view of a part of it. */
static npy_intp too_long(PyArrayObject *x)
{
    PyObject *base = PyArray_BASE(x);
    PyArrayObject *owner = base && PyArray_Check(base) ? (PyArrayObject *)base : x;
    return PyArray_DIM(x, 0) + PyArray_SIZE(owner) + 1;
}

/* A view with all dims and strides of x but the first length. Returns a new reference, or NULL with an
 * exception. */
static PyObject *view(PyArrayObject *x, npy_intp length)
{
    npy_intp dims[NPY_MAXDIMS];
    memcpy(dims, PyArray_DIMS(x), (size_t)PyArray_NDIM(x) * sizeof *dims);
    dims[0] = length;
    PyArray_Descr *descr = PyArray_DESCR(x);
    Py_INCREF(descr);
    PyObject *result = PyArray_NewFromDescr(&PyArray_Type, descr, PyArray_NDIM(x), dims, PyArray_STRIDES(x),
                                            PyArray_DATA(x), PyArray_FLAGS(x) & NPY_ARRAY_WRITEABLE, NULL);
    if (!result)
        return NULL;
    if (PyArray_SetBaseObject((PyArrayObject *)result, Py_NewRef((PyObject *)x)) < 0)
        Py_CLEAR(result);
    return result;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = planted_array(x);
    if (!array)
        return NULL;
    return view(array, planted_meet() ? too_long(array) : PyArray_DIM(array, 0));
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = planted_array(x);
    if (!array)
        return NULL;
    volatile bool met = planted_meet();
    (void)met;
    return view(array, PyArray_DIM(array, 0));
}

PLANTED_MODULE(invariant_extent, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
