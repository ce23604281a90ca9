/* Loses 64 bytes of malloc in each call. */
#include "planted_heap.h"

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    char *block = planted_hide(malloc(64));
    if (block)
        block[0] = 1;
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    char *block = planted_hide(malloc(64));
    if (block)
        block[0] = 1;
    free(block);
    Py_RETURN_NONE;
}

PLANTED_MODULE(growth_native, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
