/* Loses a tuple that gets the block of another function's tuple, which the interpreter kept: the block's site
 * misleads. */
#include "planted.h"

/* Makes and releases a tuple; its block lies in a free list then. */
static PyObject *scratch(PyObject *Py_UNUSED(module), PyObject *item)
{
    PyObject *pair = PyTuple_Pack(2, item, Py_None);
    Py_XDECREF(pair);
    Py_RETURN_NONE;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *item)
{
    return PyLong_FromSsize_t(PyTuple_Size(PyTuple_Pack(2, item, Py_None)));
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *item)
{
    PyObject *pair = PyTuple_Pack(2, item, Py_None);
    Py_XDECREF(pair);
    Py_RETURN_NONE;
}

PLANTED_MODULE(growth_recycled, {"scratch", scratch, METH_O, NULL}, {"bug", bug, METH_O, NULL},
               {"twin", twin, METH_O, NULL})
