/* Takes the class of an object and never releases it. */
#include "planted.h"

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_INCREF(Py_TYPE(object));
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyObject *class = Py_NewRef(Py_TYPE(object));
    Py_DECREF(class);
    Py_RETURN_NONE;
}

PLANTED_MODULE(refcount_class, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
