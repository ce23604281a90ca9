/* Writes its input's flags with the same value, on every call: a comparison of before and after cannot see
 * it. */
#define PLANTED_NUMPY
#include "planted.h"

static volatile int *flags_of(PyArrayObject *array)
{
    return &((PyArrayObject_fields *)array)->flags;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = planted_array(x);
    if (!array)
        return NULL;
    volatile int *flags = flags_of(array);
    int same = *flags;
    *flags = same;
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = planted_array(x);
    if (!array)
        return NULL;
    volatile int local = *flags_of(array);
    (void)local;
    Py_RETURN_NONE;
}

PLANTED_MODULE(tripwire_same, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
