/* Sums a list and releases each item, which PyList_GetItem only lends. */
#include "planted.h"

static PyObject *sum(PyObject *list, bool release)
{
    double total = 0;
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
        PyObject *item = PyList_GetItem(list, i);
        total += item ? PyFloat_AsDouble(item) : 0;
        if (item && release)
            Py_DECREF(item);
    }
    return PyErr_Occurred() ? NULL : PyFloat_FromDouble(total);
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *list)
{
    return sum(list, true);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *list)
{
    return sum(list, false);
}

PLANTED_MODULE(refcount_borrowed, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
