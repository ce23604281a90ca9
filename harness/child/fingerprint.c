#include "child/fingerprint.h"

#include "child/array.h"

/* Which objects a list holds, in order: equal ones in other places are a change too. */
static PyObject *identities(PyObject *object)
{
    Py_ssize_t n = PyList_CheckExact(object) ? PyList_GET_SIZE(object) : 0;
    PyObject *list = PyList_New(n);
    for (Py_ssize_t i = 0; list && i < n; i++)
        PyList_SET_ITEM(list, i, PyLong_FromVoidPtr(PyList_GET_ITEM(object, i)));
    return list;
}

/* None when there is no pickle. */
static PyObject *pickle(PyObject *object)
{
    PyObject *module = PyImport_ImportModule("pickle"), *places = identities(object);
    PyObject *bytes =
        module && places ? PyObject_CallMethod(module, "dumps", "((OO))", object, places) : NULL;
    Py_XDECREF(places);
    Py_XDECREF(module);
    if (bytes)
        return bytes;
    PyErr_Clear();
    Py_RETURN_NONE;
}

/* What a call target is made of does not count as state. */
static bool is_stateless(PyObject *object)
{
    return PyModule_Check(object) || PyCallable_Check(object) || array_is_exact(object);
}

PyObject *fingerprint_take(PyObject *names, PyObject *used)
{
    PyObject *fingerprint = PyDict_New(), *key, *value;
    Py_ssize_t at = 0;
    while (fingerprint && PyDict_Next(names, &at, &key, &value)) {
        if (PySet_Contains(used, key) != 1 || is_stateless(value))
            continue;
        PyObject *bytes = pickle(value);
        if (PyDict_SetItem(fingerprint, key, bytes) < 0)
            Py_CLEAR(fingerprint);
        Py_DECREF(bytes);
    }
    return fingerprint;
}

bool fingerprint_changed(PyObject *fingerprint, PyObject *names)
{
    PyObject *key, *was;
    Py_ssize_t at = 0;
    bool changed = false;
    while (!changed && PyDict_Next(fingerprint, &at, &key, &was)) {
        PyObject *value = PyDict_GetItemWithError(names, key);
        PyObject *now = value && was != Py_None ? pickle(value) : Py_NewRef(Py_None);
        changed = now == Py_None || PyObject_RichCompareBool(now, was, Py_EQ) != 1;
        Py_DECREF(now);
    }
    PyErr_Clear();
    return changed;
}
