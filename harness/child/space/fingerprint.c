#include "child/space/fingerprint.h"

#include "child/space/array.h"
#include "detectors/common/array_api.h"

/* Returns the addresses of the items of a list: a move of equal items is a change too. */
static PyObject *identities(PyObject *object)
{
    Py_ssize_t n = PyList_CheckExact(object) ? PyList_GET_SIZE(object) : 0;
    PyObject *list = PyList_New(n);
    for (Py_ssize_t i = 0; list && i < n; i++)
        PyList_SET_ITEM(list, i, PyLong_FromVoidPtr(PyList_GET_ITEM(object, i)));
    return list;
}

/* Returns None when the object has no pickle. */
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

/* Returns None in place of an error. */
static PyObject *or_none(PyObject *value)
{
    PyErr_Clear();
    return value ? value : Py_NewRef(Py_None);
}

/* Takes the object's memory behind its head, its length and its attributes. A change behind a pointer stays unseen. */
static PyObject *outline(PyObject *object)
{
    Py_ssize_t size = Py_TYPE(object)->tp_basicsize - (Py_ssize_t)sizeof(PyObject);
    PyObject *memory =
        or_none(size > 0 ? PyBytes_FromStringAndSize((const char *)object + sizeof(PyObject), size) : NULL);
    PyObject *length = or_none(PyLong_FromSsize_t(PyObject_Size(object)));
    PyObject *attributes = or_none(PyObject_GetAttrString(object, "__dict__"));
    PyObject *pickled = attributes == Py_None ? Py_NewRef(Py_None) : pickle(attributes);
    Py_DECREF(attributes);
    return Py_BuildValue("(NNN)", memory, length, pickled);
}

/* Returns bytes, or a tuple for an outline; NULL without memory. */
static PyObject *take(PyObject *object)
{
    PyObject *bytes = pickle(object);
    if (bytes != Py_None)
        return bytes;
    Py_DECREF(bytes);
    return outline(object);
}

/* Modules, callables and arrays are not state here; arrays are watched, but for those of objects. */
bool fingerprint_covers(PyObject *object)
{
    return !PyModule_Check(object) && !PyCallable_Check(object) &&
           (!array_is_exact(object) || PyDataType_REFCHK(PyArray_DESCR((PyArrayObject *)object)));
}

bool fingerprint_is_foreign(PyObject *named)
{
    PyObject *module = or_none(PyObject_GetAttrString(named, "__module__"));
    PyObject *parts = or_none(PyObject_CallMethod(module, "split", "si", ".", 1));
    PyObject *top = PyList_Check(parts) ? PyList_GET_ITEM(parts, 0) : Py_None;
    PyObject *loaded = PyDict_GetItemWithError(PyImport_GetModuleDict(), top);
    PyObject *own = PySys_GetObject("stdlib_module_names");
    bool foreign =
        loaded && own && PySequence_Contains(own, top) == 0 &&
        PyObject_HasAttrString(loaded, "__path__") + PyObject_HasAttrString(loaded, "__file__") > 0;
    PyErr_Clear();
    Py_DECREF(parts);
    Py_DECREF(module);
    return foreign;
}

#define SKELETON_DEPTH 4

static PyObject *bones(PyObject *object, PyObject *ids, unsigned depth);

static PyObject *bones_of_items(PyObject *items, PyObject *ids, unsigned depth)
{
    PyObject *list = items ? PyList_New(0) : NULL;
    for (Py_ssize_t i = 0; list && i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *item = bones(PySequence_Fast_GET_ITEM(items, i), ids, depth);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    Py_XDECREF(items);
    return list;
}

static bool is_atom(PyObject *object)
{
    return object == Py_None || PyLong_CheckExact(object) || PyFloat_CheckExact(object) ||
           PyBool_Check(object) || PyUnicode_CheckExact(object) || PyBytes_CheckExact(object);
}

static PyObject *bones(PyObject *object, PyObject *ids, unsigned depth)
{
    PyObject *id = PyLong_FromVoidPtr(object);
    if (!id || is_atom(object))
        return id;
    PySet_Add(ids, id);
    if (depth && (PyList_CheckExact(object) || PyTuple_CheckExact(object)))
        return Py_BuildValue("(NN)", id, bones_of_items(PySequence_Fast(object, ""), ids, depth - 1));
    if (depth && PyDict_CheckExact(object))
        return Py_BuildValue("(NNN)", id, bones_of_items(PyDict_Keys(object), ids, depth - 1),
                             bones_of_items(PyDict_Values(object), ids, depth - 1));
    if (array_is_exact(object) || !fingerprint_is_foreign((PyObject *)Py_TYPE(object)))
        return Py_BuildValue("(NN)", id, pickle(object));
    Py_ssize_t length = PyObject_Size(object);
    PyErr_Clear();
    return Py_BuildValue("(Nn)", id, length);
}

/* ids: the skeletons of the values, or with NULL their fingerprints. */
static PyObject *take_used(PyObject *names, PyObject *used, PyObject *ids)
{
    PyObject *all = PyDict_New(), *key, *value;
    Py_ssize_t at = 0;
    while (all && PyDict_Next(names, &at, &key, &value)) {
        if (PySet_Contains(used, key) != 1 || !fingerprint_covers(value))
            continue;
        PyObject *taken = ids ? bones(value, ids, SKELETON_DEPTH) : take(value);
        if (!taken || PyDict_SetItem(all, key, taken) < 0)
            Py_CLEAR(all);
        Py_XDECREF(taken);
    }
    return all;
}

PyObject *fingerprint_take(PyObject *names, PyObject *used)
{
    return take_used(names, used, NULL);
}

PyObject *fingerprint_skeleton(PyObject *names, PyObject *used, PyObject *ids)
{
    return take_used(names, used, ids);
}

static enum fingerprint_verdict compare_value(PyObject *was, PyObject *value)
{
    PyObject *now = value ? take(value) : NULL;
    enum fingerprint_verdict verdict = FINGERPRINT_SAME;
    if (!now || PyObject_RichCompareBool(now, was, Py_EQ) != 1)
        verdict = FINGERPRINT_CHANGED;
    else if (PyTuple_Check(was))
        verdict =
            fingerprint_is_foreign((PyObject *)Py_TYPE(value)) ? FINGERPRINT_OPAQUE : FINGERPRINT_UNKNOWN;
    Py_XDECREF(now);
    return verdict;
}

enum fingerprint_verdict fingerprint_compare(PyObject *fingerprint, PyObject *names, PyObject **ret_name)
{
    PyObject *key, *was;
    Py_ssize_t at = 0;
    enum fingerprint_verdict verdict = FINGERPRINT_SAME;
    *ret_name = NULL;
    while (verdict != FINGERPRINT_CHANGED && PyDict_Next(fingerprint, &at, &key, &was)) {
        enum fingerprint_verdict its = compare_value(was, PyDict_GetItemWithError(names, key));
        if (its <= verdict)
            continue;
        verdict = its;
        *ret_name = key;
    }
    PyErr_Clear();
    return verdict;
}
