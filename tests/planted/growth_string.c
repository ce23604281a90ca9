/* Makes a string for a look-up and never releases it. */
#include "planted.h"

static PyObject *make(void)
{
    return PyUnicode_FromFormat("attribute %d", 7);
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return PyLong_FromSsize_t(PyUnicode_GetLength(make()));
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    PyObject *name = make();
    Py_ssize_t length = PyUnicode_GetLength(name);
    Py_DECREF(name);
    return PyLong_FromSsize_t(length);
}

PLANTED_MODULE(growth_string, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
