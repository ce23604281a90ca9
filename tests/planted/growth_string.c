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

/* Names of one attribute at different addresses: the interpreter's cache of attributes keeps each that was looked
 * up. */
#define NAMES 4096
static PyObject *names[NAMES];

static PyObject *start(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    for (int i = 0; i < NAMES; i++)
        Py_XSETREF(names[i], PyUnicode_FromString("value"));
    Py_RETURN_NONE;
}

/* Any thread, up to NAMES calls: each has a name of its own. */
static PyObject *look(PyObject *Py_UNUSED(module), PyObject *x)
{
    static atomic_uint calls;
    unsigned at = atomic_fetch_add(&calls, 1) % NAMES;
    PyObject *name = names[at], *value = PyObject_GetAttr(x, name);
    names[at] = PyUnicode_FromString("value");
    Py_DECREF(name);
    return value;
}

PLANTED_MODULE(growth_string, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL},
               {"start", start, METH_NOARGS, NULL}, {"look", look, METH_O, NULL})
