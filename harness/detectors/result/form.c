/* See form.h for the contract. */
#include "detectors/result/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "detectors/common/pycompat.h"

#define FORMS_MAX 256
/* Larger containers and buffers are not read. */
#define ITEMS_MAX 256
#define BYTES_MAX (16 << 20)

static struct form *forms[FORMS_MAX];
static unsigned nforms;

/* Making a form */

static void add_part(struct form *form, enum form_means means, const char *name)
{
    if (form->n < FORM_PARTS)
        form->parts[form->n++] = (struct form_part){.means = means, .name = name};
}

static bool has_attribute(const struct form *form, const char *name)
{
    for (unsigned i = 0; i < form->n; i++)
        if (form->parts[i].name && strcmp(form->parts[i].name, name) == 0)
            return true;
    return false;
}

/* A property counts if a function in C computes it. */
static bool is_in_c(PyObject *descriptor)
{
    if (Py_IS_TYPE(descriptor, &PyGetSetDescr_Type) || Py_IS_TYPE(descriptor, &PyMemberDescr_Type))
        return true;
    if (!Py_IS_TYPE(descriptor, &PyProperty_Type))
        return false;
    PyObject *get = PyObject_GetAttrString(descriptor, "fget");
    bool in_c = get && get != Py_None && !PyFunction_Check(get);
    PyErr_Clear();
    Py_XDECREF(get);
    return in_c;
}

static void add_attributes(struct form *form, PyTypeObject *type)
{
    PyObject *dict = PyType_GetDict(type), *key, *value;
    Py_ssize_t at = 0;
    while (dict && PyDict_Next(dict, &at, &key, &value)) {
        const char *name = PyUnicode_CheckExact(key) ? PyUnicode_AsUTF8(key) : NULL;
        if (name && name[0] != '_' && is_in_c(value) && !has_attribute(form, name))
            add_part(form, FORM_ATTRIBUTE, name);
    }
    PyErr_Clear();
    Py_XDECREF(dict);
}

/* Types of the interpreter's core, such as a frame or a generator, show its state through attributes. */
static bool is_core(const PyTypeObject *type)
{
    return !(type->tp_flags & Py_TPFLAGS_HEAPTYPE) && !strchr(type->tp_name, '.');
}

static bool has_items(const PyTypeObject *type)
{
    bool has_length = (type->tp_as_sequence && type->tp_as_sequence->sq_length) ||
                      (type->tp_as_mapping && type->tp_as_mapping->mp_length);
    return has_length && !type->tp_iternext &&
           (type->tp_iter || (type->tp_as_sequence && type->tp_as_sequence->sq_item));
}

/* An object that can be called may lead to all names of its module. Pickle and text of a set have an order. */
static void fill(struct form *form, PyTypeObject *type)
{
    bool is_set = PyType_IsSubtype(type, &PySet_Type) || PyType_IsSubtype(type, &PyFrozenSet_Type);
    bool is_open = !type->tp_call && !PyType_IsSubtype(type, &PyModule_Type);
    if (!is_set)
        add_part(form, FORM_PICKLE, NULL);
    if (is_open && type->tp_as_buffer && type->tp_as_buffer->bf_getbuffer)
        add_part(form, FORM_BYTES, NULL);
    if (is_open && has_items(type))
        add_part(form, FORM_ITEMS, NULL);
    if (is_set)
        form->parts[form->n - 1].sorted = true;
    else if (type->tp_repr != PyBaseObject_Type.tp_repr)
        add_part(form, FORM_TEXT, NULL);
    for (Py_ssize_t i = 0; is_open && !is_core(type) && i < PyTuple_GET_SIZE(type->tp_mro); i++)
        add_attributes(form, (PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i));
}

struct form *form_find(const PyTypeObject *type)
{
    for (unsigned i = 0; i < nforms; i++)
        if (forms[i]->type == type)
            return forms[i];
    return NULL;
}

struct form *form_make(PyTypeObject *type)
{
    struct form *form = form_find(type);
    if (form || nforms == FORMS_MAX || !type->tp_mro)
        return form;
    form = calloc(1, sizeof *form);
    if (!form)
        return NULL;
    form->type = (PyTypeObject *)Py_NewRef((PyObject *)type);
    fill(form, type);
    forms[nforms++] = form;
    return form;
}

bool form_is_needed(const struct form *form, unsigned part)
{
    bool has_pickle = form->n > 0 && form->parts[0].means == FORM_PICKLE && !form->parts[0].struck;
    return !form->parts[part].struck && (part == 0 || !has_pickle);
}

/* Reading */

static PyObject *fail(const char *reason)
{
    PyErr_SetString(PyExc_TypeError, reason);
    return NULL;
}

/* A pickle of the type alone shows nothing. */
static PyObject *read_pickle(PyObject *object)
{
    PyObject *reduced = PyObject_CallMethod(object, "__reduce_ex__", "i", 4);
    bool shows = reduced && PyTuple_Check(reduced) && PyTuple_GET_SIZE(reduced) >= 2;
    if (shows) {
        PyObject *arguments = PyTuple_GET_ITEM(reduced, 1);
        bool bare = PyTuple_Check(arguments) && PyTuple_GET_SIZE(arguments) < 2;
        for (Py_ssize_t i = 2; i < PyTuple_GET_SIZE(reduced); i++)
            bare &= PyTuple_GET_ITEM(reduced, i) == Py_None;
        for (Py_ssize_t i = 0; bare && i < PyTuple_GET_SIZE(arguments); i++)
            bare &= PyType_Check(PyTuple_GET_ITEM(arguments, i)) != 0;
        shows = !bare;
    }
    /* The iterators of a pickle are new in each one. */
    PyObject *list = shows ? PySequence_List(reduced) : NULL;
    for (Py_ssize_t i = 3; list && i < 5 && i < PyList_GET_SIZE(list); i++) {
        PyObject *items = PyList_GET_ITEM(list, i);
        items = items == Py_None ? Py_NewRef(items) : PySequence_List(items);
        if (!items || PyList_SetItem(list, i, items) < 0)
            Py_CLEAR(list);
    }
    Py_XDECREF(reduced);
    return list || PyErr_Occurred() ? list : fail("its pickle shows no value");
}

static PyObject *read_bytes(PyObject *object)
{
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) < 0)
        return NULL;
    PyObject *bytes =
        view.len > BYTES_MAX ? fail("its buffer is too large") : PyBytes_FromStringAndSize(NULL, view.len);
    if (bytes && PyBuffer_ToContiguous(PyBytes_AS_STRING(bytes), &view, view.len, 'C') < 0)
        Py_CLEAR(bytes);
    PyBuffer_Release(&view);
    return bytes;
}

/* The order of a set is no part of its value. */
static PyObject *sort_set(PyObject *list)
{
    PyObject *first = list && PyList_GET_SIZE(list) > 0 ? PyList_GET_ITEM(list, 0) : NULL;
    bool has_order =
        !first || PyLong_CheckExact(first) || PyUnicode_CheckExact(first) || PyBytes_CheckExact(first);
    for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list); i++)
        has_order &= Py_TYPE(PyList_GET_ITEM(list, i)) == Py_TYPE(first);
    if (list && has_order && PyList_Sort(list) == 0)
        return list;
    Py_XDECREF(list);
    return PyErr_Occurred() ? NULL : fail("its items have no order");
}

static PyObject *read_items(PyObject *object, bool sorted)
{
    Py_ssize_t n = PyObject_Size(object);
    if (n < 0 || n > ITEMS_MAX)
        return n < 0 ? NULL : fail("it has too many items");
    PyObject *iterator = PyObject_GetIter(object), *item, *list = iterator ? PyList_New(0) : NULL;
    if (iterator == object)
        Py_CLEAR(list);
    while (list && PyList_GET_SIZE(list) <= n && (item = PyIter_Next(iterator))) {
        if (PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    if (PyErr_Occurred() || !list || PyList_GET_SIZE(list) != n) {
        Py_XDECREF(list);
        return PyErr_Occurred() ? NULL : fail("it has no list of items");
    }
    return sorted ? sort_set(list) : list;
}

/* Replaces addresses: they differ from call to call. Returns a new string. */
static PyObject *hide_addresses(PyObject *text)
{
    const char *utf8 = PyUnicode_AsUTF8(text);
    char *copy = utf8 ? strdup(utf8) : NULL;
    if (!copy)
        return NULL;
    text_hide_addresses(copy);
    for (char *at = copy; (at = strstr(at, "0x"));)
        at[1] = '_'; /* an image takes no text with 0x */
    PyObject *hidden = PyUnicode_FromString(copy);
    free(copy);
    return hidden;
}

static PyObject *read_text(PyObject *object)
{
    PyObject *text = PyObject_Repr(object), *hidden = text ? hide_addresses(text) : NULL;
    Py_XDECREF(text);
    return hidden;
}

static PyObject *read_part(const struct form_part *part, PyObject *object)
{
    switch (part->means) {
    case FORM_PICKLE:
        return read_pickle(object);
    case FORM_BYTES:
        return read_bytes(object);
    case FORM_ITEMS:
        return read_items(object, part->sorted);
    case FORM_TEXT:
        return read_text(object);
    default:
        return PyObject_GetAttrString(object, part->name);
    }
}

PyObject *form_read(const struct form_part *part, PyObject *object, char *raised, size_t size)
{
    PyObject *value = read_part(part, object);
    PyObject *exception = value ? NULL : PyErr_GetRaisedException();
    if (exception)
        snprintf(raised, size, "raises %.60s", Py_TYPE(exception)->tp_name);
    Py_XDECREF(exception);
    return value;
}

void form_print(const struct form_part *part, char *expression, size_t size)
{
    char object[512];
    snprintf(object, sizeof object, "%s", expression);
    if (part->means == FORM_PICKLE)
        snprintf(expression, size, "%s.__reduce_ex__(4)", object);
    else if (part->means == FORM_BYTES)
        snprintf(expression, size, "memoryview(%s).tobytes()", object);
    else if (part->means == FORM_ITEMS)
        snprintf(expression, size, "%s(%s)", part->sorted ? "sorted" : "list", object);
    else if (part->means == FORM_TEXT)
        snprintf(expression, size, "repr(%s)", object);
    else
        snprintf(expression, size, "%s.%.60s", object, part->name);
}
