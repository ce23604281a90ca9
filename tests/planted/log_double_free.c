/* Frees a block twice when two threads are inside together: glibc reports it on standard error and aborts. */
#include "planted.h"

#include <stdlib.h>

/* Small enough for the per-thread cache, where glibc always recognises the second free. */
enum { BLOCK = 24 };

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    void *volatile block = malloc(BLOCK);
    if (!block)
        return PyErr_NoMemory();
    bool twice = planted_meet();
    free(block);
    if (twice)
        free(block);
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    void *volatile block = malloc(BLOCK);
    if (!block)
        return PyErr_NoMemory();
    volatile bool met = planted_meet();
    (void)met;
    free(block);
    Py_RETURN_NONE;
}

PLANTED_MODULE(log_double_free, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
