/* Looks up a builtin and releases the reference that PyDict_GetItem only lends. */
#include "planted.h"

static PyObject *look_up(bool release)
{
    PyObject *found = PyDict_GetItemString(PyEval_GetBuiltins(), "round");
    if (found && release)
        Py_DECREF(found);
    Py_RETURN_NONE;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(arguments))
{
    return look_up(true);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(arguments))
{
    return look_up(false);
}

PLANTED_MODULE(refcount_lookup, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
