/* Raises ValueError when two threads are inside together; always() raises on every call, which is no bug. */
#include "planted.h"

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    if (planted_meet()) {
        PyErr_SetString(PyExc_ValueError, "two threads are inside");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    volatile bool met = planted_meet();
    (void)met;
    Py_RETURN_NONE;
}

static PyObject *always(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    volatile bool met = planted_meet();
    (void)met;
    PyErr_SetString(PyExc_KeyError, "always");
    return NULL;
}

PLANTED_MODULE(exception_race, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL},
               {"always", always, METH_NOARGS, NULL})
