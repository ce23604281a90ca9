/* Splits "name=value" into a list, which the error path loses. */
#include <string.h>

#include "planted.h"

static PyObject *split(PyObject *text, bool release)
{
    const char *start = PyUnicode_AsUTF8(text), *equals = start ? strchr(start, '=') : NULL;
    PyObject *list = start ? PyList_New(0) : NULL;
    PyObject *name = list && equals ? PyUnicode_FromStringAndSize(start, equals - start) : NULL;
    if (name && PyList_Append(list, name) == 0) {
        Py_DECREF(name);
        return list;
    }
    Py_XDECREF(name);
    if (release)
        Py_XDECREF(list);
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "no = in the text");
    return NULL;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *text)
{
    return split(text, false);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *text)
{
    return split(text, true);
}

PLANTED_MODULE(growth_error, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
