/* Writes one byte past a block of PyMem_Malloc: CPython's own domain for buffers, which malloc never sees. */
#define PLANTED_PYTHON /* no program without Python: scripts/bench/heap_matrix.py reads this line */
#include "planted_heap.h"

enum { BLOCK = 40 };

static PyObject *fill(int length)
{
    char *made = PyMem_Malloc(BLOCK);
    if (!made)
        return PyErr_NoMemory();
    volatile char *block = planted_hide(made);
    for (int i = 0; i < length; i++)
        block[i] = PLANTED_BYTE;
    PyMem_Free(made);
    Py_RETURN_NONE;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return fill(BLOCK + 1);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return fill(BLOCK);
}

PLANTED_MODULE(heap_pymem, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
