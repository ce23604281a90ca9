/* See portrait.h for the contract. */
#include "child/outcome/portrait.h"

#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "base/text.h"
#include "child/space/array.h"
#include "detectors/common/array_api.h"
#include "detectors/common/pycompat.h"
#include "detectors/result/form.h"

#define DEPTH_MAX 12
#define ITEMS_MAX 20000

/* Types of the parts in the hash. */
enum tag {
    TAG_ATOM = 1,
    TAG_SEQUENCE,
    TAG_DICT,
    TAG_SET,
    TAG_NAMED,
    TAG_ARRAY,
    TAG_RAISED,
    TAG_KNOWN,
    TAG_REDUCED,
    TAG_TYPE
};

static void add_value(struct portrait *portrait, PyObject *object, unsigned depth);

void portrait_add_number(struct portrait *portrait, uint64_t number)
{
    portrait->hash = prng_mix(portrait->hash ^ number);
}

static void add_bytes(struct portrait *portrait, const void *bytes, size_t n)
{
    const char *at = bytes;
    uint64_t word;
    portrait_add_number(portrait, n);
    for (; n >= sizeof word; n -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        portrait_add_number(portrait, word);
    }
    word = 0;
    memcpy(&word, at, n);
    portrait_add_number(portrait, word);
}

static void add_text(struct portrait *portrait, const char *text)
{
    add_bytes(portrait, text ? text : "", text ? strlen(text) : 0);
}

/* Adds the text of str() or repr(). */
static void add_string_of(struct portrait *portrait, PyObject *string)
{
    char text[1024];
    const char *utf8 = string ? PyUnicode_AsUTF8(string) : NULL;
    snprintf(text, sizeof text, "%s", utf8 ? utf8 : "");
    PyErr_Clear();
    text_hide_addresses(text);
    add_text(portrait, text);
    Py_XDECREF(string);
}

static void add_integer(struct portrait *portrait, PyObject *object)
{
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    portrait_add_number(portrait, overflow ? 1 : 0);
    if (overflow)
        add_string_of(portrait, PyNumber_ToBase(object, 16));
    else
        portrait_add_number(portrait, (uint64_t)value);
}

static bool add_atom(struct portrait *portrait, PyObject *object)
{
    Py_ssize_t n = 0;
    bool is_atom = object == Py_None || PyBool_Check(object) || object == Py_Ellipsis ||
                   object == Py_NotImplemented || PyLong_CheckExact(object) || PyFloat_CheckExact(object) ||
                   PyComplex_CheckExact(object) || PyUnicode_CheckExact(object) ||
                   PyBytes_CheckExact(object) || PyByteArray_CheckExact(object);
    if (!is_atom)
        return false;
    portrait_add_number(portrait, TAG_ATOM);
    add_text(portrait, Py_TYPE(object)->tp_name);
    if (PyLong_Check(object)) {
        add_integer(portrait, object);
    } else if (PyFloat_Check(object)) {
        double value = PyFloat_AS_DOUBLE(object);
        add_bytes(portrait, &value, sizeof value);
    } else if (PyComplex_Check(object)) {
        Py_complex value = PyComplex_AsCComplex(object);
        add_bytes(portrait, &value, sizeof value);
    } else if (PyUnicode_Check(object)) {
        add_bytes(portrait, PyUnicode_DATA(object),
                  (size_t)PyUnicode_GET_LENGTH(object) * PyUnicode_KIND(object));
    } else if (PyBytes_Check(object)) {
        n = PyBytes_GET_SIZE(object);
        add_bytes(portrait, PyBytes_AS_STRING(object), (size_t)n);
    } else if (PyByteArray_Check(object)) {
        n = PyByteArray_GET_SIZE(object);
        add_bytes(portrait, PyByteArray_AS_STRING(object), (size_t)n);
    }
    return true;
}

static void add_items(struct portrait *portrait, PyObject *sequence, unsigned depth)
{
    Py_ssize_t n = PySequence_Fast_GET_SIZE(sequence);
    portrait_add_number(portrait, (uint64_t)n);
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); i++)
        add_value(portrait, PySequence_Fast_GET_ITEM(sequence, i), depth + 1);
}

/* The hash of a part of an unordered container, apart from the others. */
static uint64_t part_of(struct portrait *portrait, PyObject *key, PyObject *value, unsigned depth)
{
    struct portrait part = {.items = portrait->items, .unordered = true, .reads = portrait->reads};
    add_value(&part, key, depth + 1);
    if (value)
        add_value(&part, value, depth + 1);
    portrait->items = part.items;
    if (part.opaque && !portrait->opaque) {
        portrait->opaque = true;
        memcpy(portrait->why, part.why, sizeof portrait->why);
    }
    return part.hash;
}

static void add_dict(struct portrait *portrait, PyObject *dict, unsigned depth)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    uint64_t sum = 0;
    while (PyDict_Next(dict, &at, &key, &value))
        sum += part_of(portrait, key, value, depth);
    portrait_add_number(portrait, TAG_DICT);
    portrait_add_number(portrait, (uint64_t)PyDict_GET_SIZE(dict));
    portrait_add_number(portrait, sum);
}

static void add_set(struct portrait *portrait, PyObject *set, unsigned depth)
{
    PyObject *iterator = PyObject_GetIter(set), *item;
    uint64_t sum = 0;
    while (iterator && (item = PyIter_Next(iterator))) {
        sum += part_of(portrait, item, NULL, depth);
        Py_DECREF(item);
    }
    PyErr_Clear();
    Py_XDECREF(iterator);
    portrait_add_number(portrait, TAG_SET);
    portrait_add_number(portrait, (uint64_t)PySet_GET_SIZE(set));
    portrait_add_number(portrait, sum);
}

static bool add_container(struct portrait *portrait, PyObject *object, unsigned depth)
{
    if (PyTuple_CheckExact(object) || PyList_CheckExact(object)) {
        portrait_add_number(portrait, PyTuple_CheckExact(object) ? TAG_SEQUENCE : ~(uint64_t)TAG_SEQUENCE);
        add_items(portrait, object, depth);
        return true;
    }
    if (PyDict_CheckExact(object))
        add_dict(portrait, object, depth);
    else if (PyAnySet_CheckExact(object))
        add_set(portrait, object, depth);
    else
        return false;
    return true;
}

static void become_opaque(struct portrait *portrait, const char *type, const char *why)
{
    if (!portrait->opaque)
        snprintf(portrait->why, sizeof portrait->why, "%.60s %s", type, why);
    portrait->opaque = true;
}

/* Modules, types and functions are no state. */
static bool add_named(struct portrait *portrait, PyObject *object)
{
    if (!PyModule_Check(object) && !PyType_Check(object) && !PyFunction_Check(object) &&
        !(PyCFunction_Check(object) &&
          (!PyCFunction_GET_SELF(object) || PyModule_Check(PyCFunction_GET_SELF(object)))))
        return false;
    portrait_add_number(portrait, TAG_NAMED);
    add_string_of(portrait,
                  PyObject_GetAttrString(object, PyModule_Check(object) ? "__name__" : "__qualname__"));
    return true;
}

static bool add_array(struct portrait *portrait, PyObject *object, unsigned depth)
{
    if (!array_is_exact(object))
        return false;
    PyArrayObject *array = (PyArrayObject *)object;
    portrait_add_number(portrait, TAG_ARRAY);
    add_string_of(portrait, PyObject_Str((PyObject *)PyArray_DESCR(array)));
    add_bytes(portrait, PyArray_DIMS(array), (size_t)PyArray_NDIM(array) * sizeof(npy_intp));
    bool holds_objects = PyDataType_REFCHK(PyArray_DESCR(array));
    PyObject *data = holds_objects ? PyArray_ToList(array) : PyArray_ToString(array, NPY_CORDER);
    if (data)
        add_value(portrait, data, depth + 1);
    else
        become_opaque(portrait, "an array", "cannot be read");
    PyErr_Clear();
    Py_XDECREF(data);
    return true;
}

/* Returns true where the object was met before in this portrait. */
static bool add_identity(struct portrait *portrait, PyObject *object)
{
    if (portrait->unordered || Py_TYPE(object)->tp_richcompare != PyBaseObject_Type.tp_richcompare)
        return false;
    for (unsigned i = 0; i < portrait->nidentities; i++)
        if (portrait->identities[i] == object) {
            portrait_add_number(portrait, TAG_KNOWN);
            portrait_add_number(portrait, i);
            return true;
        }
    if (portrait->nidentities < PORTRAIT_IDENTITIES)
        portrait->identities[portrait->nidentities++] = Py_NewRef(object);
    return false;
}

/* Adds the items of an iterator of __reduce_ex__. */
static void add_iterator(struct portrait *portrait, PyObject *iterator, unsigned depth)
{
    PyObject *list = iterator == Py_None ? NULL : PySequence_List(iterator);
    PyErr_Clear();
    if (list)
        add_items(portrait, list, depth);
    Py_XDECREF(list);
}

/* Without a pickle: adds the buffer, the items and the text. Attributes may be statistics or addresses. */
static bool add_form(struct portrait *portrait, PyObject *object, unsigned depth)
{
    const struct form *form = portrait->reads ? form_make(Py_TYPE(object)) : NULL;
    char raised[96];
    bool any = false;
    for (unsigned i = 0; form && i < form->n; i++) {
        bool reads = form->parts[i].means != FORM_PICKLE && form->parts[i].means != FORM_ATTRIBUTE;
        PyObject *value = reads ? form_read(&form->parts[i], object, raised, sizeof raised) : NULL;
        if (value)
            add_value(portrait, value, depth + 1);
        any |= value != NULL;
        Py_XDECREF(value);
    }
    return any;
}

static void add_reduced(struct portrait *portrait, PyObject *object, unsigned depth)
{
    PyObject *reduced = PyObject_CallMethod(object, "__reduce_ex__", "i", 4);
    portrait_add_number(portrait, TAG_TYPE);
    add_text(portrait, Py_TYPE(object)->tp_name);
    if (!reduced) {
        PyErr_Clear();
        if (!add_form(portrait, object, depth))
            become_opaque(portrait, Py_TYPE(object)->tp_name, "has no pickle");
        return;
    }
    portrait_add_number(portrait, TAG_REDUCED);
    if (!PyTuple_Check(reduced))
        add_value(portrait, reduced, depth + 1);
    for (Py_ssize_t i = 0; PyTuple_Check(reduced) && i < PyTuple_GET_SIZE(reduced) && i < 5; i++)
        if (i < 3)
            add_value(portrait, PyTuple_GET_ITEM(reduced, i), depth + 1);
        else
            add_iterator(portrait, PyTuple_GET_ITEM(reduced, i), depth);
    Py_DECREF(reduced);
}

static void add_value(struct portrait *portrait, PyObject *object, unsigned depth)
{
    if (portrait->items++ > ITEMS_MAX || depth > DEPTH_MAX) {
        become_opaque(portrait, Py_TYPE(object)->tp_name, "lies behind too many objects");
        return;
    }
    if (add_atom(portrait, object) || add_named(portrait, object) || add_container(portrait, object, depth) ||
        add_array(portrait, object, depth) || add_identity(portrait, object))
        return;
    add_reduced(portrait, object, depth);
}

void portrait_release(struct portrait *portrait)
{
    while (portrait->nidentities > 0)
        Py_DECREF(portrait->identities[--portrait->nidentities]);
}

void portrait_add(struct portrait *portrait, PyObject *object)
{
    add_value(portrait, object, 0);
}

void portrait_add_raised(struct portrait *portrait, PyObject *raised)
{
    portrait_add_number(portrait, TAG_RAISED);
    add_text(portrait, Py_TYPE(raised)->tp_name);
    add_string_of(portrait, PyObject_Str(raised));
}
