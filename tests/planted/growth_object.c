/* Loses an instance of a type of its own in each call. */
#define PLANTED_ITEM "growth_object"
#include "planted_item.h"

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    PyObject *item = new_item();
    Py_XINCREF(item);
    return item;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return new_item();
}

PLANTED_MODULE(growth_object, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
