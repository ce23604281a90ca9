#include "child/space/fingerprint.h"

#include "child/space/array.h"
#include "child/space/owner.h"
#include "child/space/plain.h"
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

/* Levels below a name, and objects without a pickle inside one. */
#define DEPTH 4
#define OBJECTS 256

/* A look into one value: what it has found, as places of objects, and how much of it stays unseen. */
struct look {
    PyObject *found;
    enum fingerprint_verdict verdict;
};

static PyObject *take(struct look *look, PyObject *object, unsigned depth);

static PyObject *take_items(struct look *look, PyObject *items, unsigned depth)
{
    PyObject *list = items ? PyList_New(0) : NULL;
    for (Py_ssize_t i = 0; list && i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *item = take(look, PySequence_Fast_GET_ITEM(items, i), depth);
        if (!item || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    Py_XDECREF(items);
    return list;
}

static bool is_open(PyObject *object)
{
    return !PyCallable_Check(object) && plain_is(object) &&
           owner_of((PyObject *)Py_TYPE(object)) != OWNER_PACKAGE;
}

/* Takes an object without a pickle by its type and what its attributes and slots refer to. */
static PyObject *take_parts(struct look *look, PyObject *object, PyObject *id, unsigned depth)
{
    PyObject *state = PyDict_CheckExact(object) ? Py_NewRef(object) : NULL;
    if (PySet_Add(look->found, id) < 0)
        return NULL;
    if (PyList_CheckExact(object) || PyTuple_CheckExact(object))
        return take_items(look, PySequence_Fast(object, ""), depth);
    if (!state && !(state = plain_state(object)))
        return NULL;
    PyObject *parts = Py_BuildValue("(NNN)", PyLong_FromVoidPtr(Py_TYPE(object)),
                                    take_items(look, PyDict_Keys(state), depth),
                                    take_items(look, PyDict_Values(state), depth));
    Py_DECREF(state);
    return parts;
}

/* Of an object without a pickle that cannot be entered, some may change unseen. */
static PyObject *take_outline(struct look *look, PyObject *object)
{
    bool foreign = owner_of((PyObject *)Py_TYPE(object)) == OWNER_PACKAGE;
    enum fingerprint_verdict verdict = foreign ? FINGERPRINT_OPAQUE : FINGERPRINT_UNKNOWN;
    look->verdict = verdict > look->verdict ? verdict : look->verdict;
    return outline(object);
}

/* Returns bytes or what stands for the parts of an object; NULL without memory. */
static PyObject *take(struct look *look, PyObject *object, unsigned depth)
{
    PyObject *bytes = pickle(object), *id = PyLong_FromVoidPtr(object), *parts = NULL;
    if (bytes != Py_None) {
        Py_XDECREF(id);
        return bytes;
    }
    Py_DECREF(bytes);
    if (!id || PyModule_Check(object) || PySet_Contains(look->found, id) == 1)
        return id;
    bool enters = PyList_CheckExact(object) || PyTuple_CheckExact(object) || PyDict_CheckExact(object) ||
                  is_open(object);
    if (enters && depth && PySet_GET_SIZE(look->found) < OBJECTS)
        parts = take_parts(look, object, id, depth - 1);
    else
        parts = take_outline(look, object);
    return depth < DEPTH ? Py_BuildValue("(NN)", id, parts) : (Py_DECREF(id), parts);
}

/* *ret: how much stays unseen. */
static PyObject *take_name(PyObject *object, enum fingerprint_verdict *ret)
{
    struct look look = {.found = PySet_New(NULL)};
    PyObject *taken = look.found ? take(&look, object, DEPTH) : NULL;
    Py_XDECREF(look.found);
    *ret = look.verdict;
    return taken;
}

/* Modules, callables and arrays are not state here; arrays are watched, but for those of objects. */
bool fingerprint_covers(PyObject *object)
{
    return !PyModule_Check(object) && !PyCallable_Check(object) &&
           (!array_is_exact(object) || PyDataType_REFCHK(PyArray_DESCR((PyArrayObject *)object)));
}

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

/* Puts the type into the ids, too: its methods are code of the setup. */
static PyObject *bones_of_plain(PyObject *object, PyObject *id, PyObject *ids, unsigned depth)
{
    PyObject *state = PySet_Add(ids, (PyObject *)Py_TYPE(object)) < 0 ? NULL : plain_state(object);
    if (!state)
        return NULL;
    PyObject *type = PyLong_FromVoidPtr(Py_TYPE(object));
    PyObject *bare = Py_BuildValue("(NNNN)", id, type, bones_of_items(PyDict_Keys(state), ids, depth),
                                   bones_of_items(PyDict_Values(state), ids, depth));
    Py_DECREF(state);
    return bare;
}

static PyObject *bones(PyObject *object, PyObject *ids, unsigned depth)
{
    PyObject *id = PyLong_FromVoidPtr(object);
    if (!id || is_atom(object))
        return id;
    bool enters = depth && is_open(object);
    if (enters && PySet_Contains(ids, id) == 1)
        return id;
    PySet_Add(ids, id);
    if (depth && (PyList_CheckExact(object) || PyTuple_CheckExact(object)))
        return Py_BuildValue("(NN)", id, bones_of_items(PySequence_Fast(object, ""), ids, depth - 1));
    if (depth && PyDict_CheckExact(object))
        return Py_BuildValue("(NNN)", id, bones_of_items(PyDict_Keys(object), ids, depth - 1),
                             bones_of_items(PyDict_Values(object), ids, depth - 1));
    if (enters)
        return bones_of_plain(object, id, ids, depth - 1);
    if (array_is_exact(object) || owner_of((PyObject *)Py_TYPE(object)) != OWNER_PACKAGE)
        return Py_BuildValue("(NN)", id, pickle(object));
    Py_ssize_t length = PyObject_Size(object);
    PyErr_Clear();
    return Py_BuildValue("(Nn)", id, length);
}

/* ids: the skeletons of the values, or with NULL their fingerprints. */
static PyObject *take_used(PyObject *names, PyObject *used, PyObject *ids)
{
    PyObject *all = PyDict_New(), *key, *value;
    enum fingerprint_verdict verdict;
    Py_ssize_t at = 0;
    while (all && PyDict_Next(names, &at, &key, &value)) {
        if (PySet_Contains(used, key) != 1 || !fingerprint_covers(value))
            continue;
        PyObject *taken = ids ? bones(value, ids, DEPTH) : take_name(value, &verdict);
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
    enum fingerprint_verdict verdict = FINGERPRINT_SAME;
    PyObject *now = value ? take_name(value, &verdict) : NULL;
    if (!now || PyObject_RichCompareBool(now, was, Py_EQ) != 1)
        verdict = FINGERPRINT_CHANGED;
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
