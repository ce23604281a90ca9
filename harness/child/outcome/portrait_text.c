/* The text of a portrait; see portrait.h for the contract. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "child/outcome/portrait.h"
#include "detectors/result/form.h"

#define DEPTH_MAX 8
/* Items that are printed: the room for a text is smaller. */
#define ITEMS_MAX 100

/* Returns the number of an object that counts by identity, from 1; 0 for another one. */
static unsigned number_of(struct portrait *numbers, PyObject *object)
{
    if (Py_TYPE(object)->tp_richcompare != PyBaseObject_Type.tp_richcompare || PyModule_Check(object) ||
        PyType_Check(object))
        return 0;
    for (unsigned i = 0; i < numbers->nidentities; i++)
        if (numbers->identities[i] == object)
            return i + 1;
    if (numbers->nidentities == PORTRAIT_IDENTITIES)
        return 0;
    numbers->identities[numbers->nidentities++] = Py_NewRef(object);
    return numbers->nidentities;
}

/* Its items or its buffer, or NULL. */
static PyObject *parts_of(PyObject *object)
{
    const struct form *form = form_make(Py_TYPE(object));
    char raised[96];
    PyObject *value = NULL;
    for (unsigned i = 0; form && !value && i < form->n; i++)
        if (form->parts[i].means == FORM_ITEMS || form->parts[i].means == FORM_BYTES)
            value = form_read(&form->parts[i], object, raised, sizeof raised);
    return value;
}

/* The attributes of an object, or else the arguments that its pickle would make it from, its items or its buffer; or
 * NULL. */
static PyObject *contents_of(PyObject *object)
{
    PyObject *contents = PyObject_GetAttrString(object, "__dict__");
    PyErr_Clear();
    if (contents)
        return contents;
    PyObject *reduced = PyObject_CallMethod(object, "__reduce_ex__", "i", 4);
    if (reduced && PyTuple_Check(reduced) && PyTuple_GET_SIZE(reduced) >= 2 &&
        PyTuple_GET_ITEM(reduced, 0) == (PyObject *)Py_TYPE(object))
        contents = Py_NewRef(PyTuple_GET_ITEM(reduced, 1));
    PyErr_Clear();
    if (!reduced)
        contents = parts_of(object);
    Py_XDECREF(reduced);
    return contents;
}

static PyObject *describe(struct portrait *numbers, PyObject *object, unsigned depth);

/* "[Box 1, Box 1, 2]": which items are one object is a part of the value, and repr() does not show it. */
static PyObject *describe_items(struct portrait *numbers, PyObject *sequence, unsigned depth)
{
    bool is_list = PyList_CheckExact(sequence);
    PyObject *texts = PyList_New(0), *comma = PyUnicode_FromString(", "), *joined = NULL, *text = NULL;
    for (Py_ssize_t i = 0; texts && i < PySequence_Fast_GET_SIZE(sequence) && numbers->items <= ITEMS_MAX;
         i++) {
        PyObject *item = describe(numbers, PySequence_Fast_GET_ITEM(sequence, i), depth + 1);
        bool added = item && PyList_Append(texts, item) == 0;
        Py_XDECREF(item);
        if (!added)
            Py_CLEAR(texts);
    }
    if (texts && comma)
        joined = PyUnicode_Join(comma, texts);
    if (joined)
        text = PyUnicode_FromFormat(is_list                           ? "[%U]"
                                    : PyTuple_GET_SIZE(sequence) == 1 ? "(%U,)"
                                                                      : "(%U)",
                                    joined);
    Py_XDECREF(texts);
    Py_XDECREF(comma);
    Py_XDECREF(joined);
    return text;
}

/* "Box 1 {'v': 1}" for an object without a repr of its own. */
static PyObject *describe(struct portrait *numbers, PyObject *object, unsigned depth)
{
    if (numbers->items++ == ITEMS_MAX)
        return PyUnicode_FromString("…");
    if ((PyList_CheckExact(object) || PyTuple_CheckExact(object)) && depth < DEPTH_MAX)
        return describe_items(numbers, object, depth);
    unsigned number = number_of(numbers, object);
    if (Py_TYPE(object)->tp_repr != PyBaseObject_Type.tp_repr || number == 0)
        return PyObject_Repr(object);
    PyObject *contents = contents_of(object);
    PyObject *text = contents ? PyUnicode_FromFormat("%s %u %R", Py_TYPE(object)->tp_name, number, contents)
                              : PyUnicode_FromFormat("%s %u", Py_TYPE(object)->tp_name, number);
    Py_XDECREF(contents);
    return text;
}

/* Takes the string over; NULL is an error. */
static char *print_string(PyObject *string, const char *before, char *text, size_t size)
{
    char whole[1024];
    const char *utf8 = string ? PyUnicode_AsUTF8(string) : NULL;
    snprintf(whole, sizeof whole, "%s%s%s", before, *before && utf8 && *utf8 ? ": " : "",
             utf8      ? utf8
             : *before ? ""
                       : "?");
    PyErr_Clear();
    Py_XDECREF(string);
    text_hide_addresses(whole);
    size_t n = strlen(whole);
    if (n >= size) {
        n = size - sizeof "…";
        while (n > 0 && ((unsigned char)whole[n] & 0xc0) == 0x80)
            n--;
        memcpy(whole + n, "…", sizeof "…");
    }
    memcpy(text, whole, strlen(whole) + 1);
    return text;
}

char *portrait_print(struct portrait *numbers, PyObject *object, char *text, size_t size)
{
    numbers->items = 0;
    return print_string(describe(numbers, object, 0), "", text, size);
}

char *portrait_print_raised(PyObject *raised, char *text, size_t size)
{
    char before[160];
    snprintf(before, sizeof before, "raises %.140s", Py_TYPE(raised)->tp_name);
    return print_string(PyObject_Str(raised), before, text, size);
}
