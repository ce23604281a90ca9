/* Changes the first data byte of its input for good when two threads are inside together. */
#define PLANTED_NUMPY
#include "planted.h"

/* Numbers only: the first byte of an object array belongs to a pointer. */
static volatile unsigned char *first_byte(PyObject *x)
{
    PyArrayObject *array = planted_array(x);
    if (!array)
        return NULL;
    if (PyArray_ISNUMBER(array) && PyArray_SIZE(array) > 0)
        return (volatile unsigned char *)PyArray_DATA(array);
    PyErr_SetString(PyExc_TypeError, "x must hold at least one number");
    return NULL;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *x)
{
    volatile unsigned char *byte = first_byte(x);
    if (!byte)
        return NULL;
    /* Adds instead of flipping a bit, so that two threads do not undo each other. */
    if (planted_meet())
        *byte = (unsigned char)(*byte + 1);
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *x)
{
    volatile unsigned char *byte = first_byte(x);
    if (!byte)
        return NULL;
    volatile unsigned char local = *byte;
    if (planted_meet())
        local = (unsigned char)(*byte + 1);
    (void)local;
    Py_RETURN_NONE;
}

PLANTED_MODULE(invariant_bytes, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
