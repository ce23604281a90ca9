/* Takes its argument once and releases it twice, as an error path and a destructor that both clean up. */
#include "planted.h"

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_INCREF(object);
    Py_DECREF(object);
    Py_DECREF(object);
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_INCREF(object);
    Py_DECREF(object);
    Py_RETURN_NONE;
}

PLANTED_MODULE(refcount_double, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
