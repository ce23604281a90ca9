/* Writes 3 bytes behind a bytes object and releases it, when two threads are inside together: CPython's debug hooks
 * report it on standard error and abort. Without them no data are damaged: the bytes are in the allocator's slot. */
#include "planted.h"

enum { LENGTH = 20, BEYOND = 3 };

static PyObject *fill(int size)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, LENGTH);
    if (!bytes)
        return NULL;
    volatile char *data = PyBytes_AS_STRING(bytes);
    for (int i = 0; i < size; i++)
        data[i] = (char)(i == LENGTH ? 0 : 'A');
    Py_DECREF(bytes);
    Py_RETURN_NONE;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return fill(LENGTH + 1 + (planted_meet() ? BEYOND : 0));
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    volatile bool met = planted_meet();
    (void)met;
    return fill(LENGTH + 1);
}

PLANTED_MODULE(pyheap_free, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
