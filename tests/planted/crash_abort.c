/* Calls abort() when two threads are inside together. */
#include "planted.h"

#include <stdlib.h>

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    if (planted_meet())
        abort();
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    volatile bool met = planted_meet();
    (void)met;
    Py_RETURN_NONE;
}

PLANTED_MODULE(crash_abort, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
