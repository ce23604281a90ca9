/* Writes through a null pointer when two threads are inside together. */
#include "planted.h"

/* Volatile, so that the compiler cannot know the address and put a trap in place of the write. */
static long *volatile nowhere;

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *x;
    long n;
    if (!PyArg_ParseTuple(args, "Ol", &x, &n))
        return NULL;
    volatile long cell;
    volatile long *slot = planted_meet() ? nowhere : &cell;
    *slot = n;
    return PyLong_FromLong(*slot);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *x;
    long n;
    if (!PyArg_ParseTuple(args, "Ol", &x, &n))
        return NULL;
    volatile long cells[2];
    volatile long *slot = &cells[planted_meet()];
    *slot = n;
    return PyLong_FromLong(*slot);
}

PLANTED_MODULE(crash_null_write, {"bug", bug, METH_VARARGS, NULL}, {"twin", twin, METH_VARARGS, NULL})
