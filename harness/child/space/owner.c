#include "child/space/owner.h"

#include "detectors/common/pycompat.h"

/* Returns None in place of an error. */
static PyObject *or_none(PyObject *value)
{
    PyErr_Clear();
    return value ? value : Py_NewRef(Py_None);
}

enum owner owner_of(PyObject *named)
{
    PyObject *module = or_none(PyObject_GetAttrString(named, "__module__"));
    PyObject *parts = or_none(PyObject_CallMethod(module, "split", "si", ".", 1));
    PyObject *top = PyList_Check(parts) ? PyList_GET_ITEM(parts, 0) : Py_None;
    PyObject *loaded = PyDict_GetItemWithError(PyImport_GetModuleDict(), top);
    PyObject *own = PySys_GetObject("stdlib_module_names");
    enum owner owner = own && PySequence_Contains(own, top) == 0 ? OWNER_SETUP : OWNER_INTERPRETER;
    if (owner == OWNER_SETUP && loaded &&
        PyObject_HasAttrString(loaded, "__path__") + PyObject_HasAttrString(loaded, "__file__") > 0)
        owner = OWNER_PACKAGE;
    PyErr_Clear();
    Py_DECREF(parts);
    Py_DECREF(module);
    return owner;
}
