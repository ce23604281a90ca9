/* See reach.h for the contract. */
#include "child/space/reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/text.h"
#include "child/space/array.h"
#include "child/space/reach_place.h"
#include "detectors/common/array_api.h"
#include "detectors/common/pycompat.h"

/* A walk through one name. */
struct walk {
    struct reach *reach;
    unsigned arrays, objects, items;
    Py_ssize_t bytes;
    bool is_cut, is_over; /* a limit keeps something out; and all that follows */
};

static void enter(struct walk *walk, size_t index);

/* Keeps `array.ctypes.data`: C code may go on using that address. */
static void keep_address(struct reach *reach, PyObject *number)
{
    void *address = PyLong_AsVoidPtr(number);
    PyErr_Clear();
    uintptr_t *kept = (uintptr_t)address > UINT32_MAX ? LIST_ADD(reach->addresses, reach->naddresses) : NULL;
    if (kept)
        *kept = (uintptr_t)address;
}

/* Only objects of the collector have items or attributes. */
static bool is_closed(PyObject *object)
{
    return !array_is_exact(object) &&
           (!PyObject_IS_GC(object) || PyModule_Check(object) || PyType_Check(object) ||
            PyFunction_Check(object) || PyCFunction_Check(object));
}

static int index_of(const struct reach *reach, const PyObject *object)
{
    int i = (int)reach->nobjects - 1;
    while (i >= 0 && reach->objects[i].object != object)
        i--;
    return i;
}

/* Returns the index of the new object, or -1 where a limit keeps it out. */
static int add(struct walk *walk, int parent, const char *path, PyObject *object)
{
    struct reach *reach = walk->reach;
    bool is_array = array_is_exact(object);
    unsigned depth = parent < 0 ? 0 : reach->objects[parent].depth + 1;
    bool counts = depth > 0;
    Py_ssize_t bytes = is_array && counts ? PyArray_NBYTES((PyArrayObject *)object) : 0;
    walk->is_over |= counts && (walk->objects == REACH_OBJECTS || reach->nobjects >= REACH_OBJECTS_ALL ||
                                (is_array && walk->arrays == REACH_ARRAYS));
    bool fits = !walk->is_over && depth <= REACH_DEPTH && bytes <= REACH_BYTES - walk->bytes;
    struct reached *reached = fits ? LIST_ADD(reach->objects, reach->nobjects) : NULL;
    walk->is_cut |= !reached;
    if (!reached)
        return -1;
    *reached = (struct reached){.object = Py_NewRef(object),
                                .path = strdup(path),
                                .parent = parent,
                                .depth = depth,
                                .is_array = is_array};
    walk->objects += counts;
    walk->arrays += is_array && counts;
    walk->bytes += bytes;
    reach->narrays += is_array;
    return (int)reach->nobjects - 1;
}

/* Two functions may name the same variable. */
static bool has_place(const struct reach *reach, const struct reach_place *place)
{
    bool has = false;
    for (size_t i = 0; i < reach->nplaces && !has; i++)
        has = reach_place_is(&reach->places[i], place);
    return has;
}

/* Counts a reference to the object, and enters it when it is new. */
static void visit(struct walk *walk, int parent, struct reach_place place, const char *path, PyObject *object)
{
    struct reach *reach = walk->reach;
    int index = index_of(reach, object);
    bool is_new = index < 0;
    if (is_new)
        index = add(walk, parent, path, object);
    if (index < 0)
        return;
    if (!reach->objects[index].is_array)
        reach->objects[index].references++;
    else if (place.kind != PLACE_FIXED && !has_place(reach, &place)) {
        struct reach_place *kept = LIST_ADD(reach->places, reach->nplaces);
        if (!kept)
            return;
        *kept = place;
        kept->array = (size_t)index;
        reach->objects[index].references++;
    }
    if (is_new && !reach->objects[index].is_array && parent >= 0)
        enter(walk, (size_t)index);
}

/* Returns false when the items of the name are too many. */
static bool next_item(struct walk *walk, PyObject *item)
{
    if (item && PyLong_CheckExact(item))
        keep_address(walk->reach, item);
    walk->is_over |= walk->items++ == REACH_ITEMS;
    walk->is_cut |= walk->is_over;
    return !walk->is_over;
}

static void visit_item(struct walk *walk, size_t parent, struct reach_place place, const char *step,
                       PyObject *object)
{
    char path[256];
    int n = snprintf(path, sizeof path, "%s%s", walk->reach->objects[parent].path, step);
    if (n < (int)sizeof path)
        visit(walk, (int)parent, place, path, object);
    else
        walk->is_cut = true;
}

static void enter_sequence(struct walk *walk, size_t index)
{
    PyObject *object = walk->reach->objects[index].object;
    bool is_list = PyList_Check(object);
    if (!is_list && !PyTuple_Check(object))
        return;
    Py_BEGIN_CRITICAL_SECTION(object);
    for (Py_ssize_t i = 0; i < Py_SIZE(object) && !walk->is_over; i++) {
        PyObject *item = is_list ? PyList_GET_ITEM(object, i) : PyTuple_GET_ITEM(object, i);
        char step[32];
        snprintf(step, sizeof step, "[%zd]", i);
        if (next_item(walk, item) && item && !is_closed(item))
            visit_item(walk, index,
                       (struct reach_place){is_list ? PLACE_LIST : PLACE_TUPLE, object, NULL, i, 0}, step,
                       item);
    }
    Py_END_CRITICAL_SECTION();
}

/* Writes "['x']". Returns false for a key with code of its own for repr, hash and comparison. */
static bool print_key(PyObject *key, char *step, size_t size)
{
    bool is_plain = PyUnicode_CheckExact(key) || PyLong_CheckExact(key) || PyBytes_CheckExact(key) ||
                    PyFloat_CheckExact(key) || PyBool_Check(key) || key == Py_None;
    PyObject *repr = is_plain ? PyObject_Repr(key) : NULL;
    const char *text = repr ? PyUnicode_AsUTF8(repr) : NULL;
    snprintf(step, size, "[%s]", text ? text : "...");
    PyErr_Clear();
    Py_XDECREF(repr);
    return is_plain;
}

static void enter_dict(struct walk *walk, size_t index, PyObject *dict, bool is_attributes)
{
    Py_ssize_t at = 0;
    PyObject *key, *value;
    Py_BEGIN_CRITICAL_SECTION(dict);
    while (PyDict_Next(dict, &at, &key, &value) && next_item(walk, value)) {
        char step[192];
        if (is_closed(value))
            continue;
        bool is_plain = true;
        const char *name = is_attributes && PyUnicode_CheckExact(key) ? PyUnicode_AsUTF8(key) : NULL;
        if (name)
            snprintf(step, sizeof step, ".%s", name);
        else
            is_plain = print_key(key, step, sizeof step);
        visit_item(walk, index, (struct reach_place){is_plain ? PLACE_DICT : PLACE_FIXED, dict, key, 0, 0},
                   step, value);
    }
    Py_END_CRITICAL_SECTION();
}

static void enter_share(struct walk *walk, size_t index, PyObject *share)
{
    struct reach_place place;
    const char *path = PyUnicode_AsUTF8(PyTuple_GET_ITEM(share, 0));
    PyObject *value = reach_place_find(&place, PyTuple_GET_ITEM(share, 1), PyTuple_GET_ITEM(share, 2));
    if (value && path && next_item(walk, value) && !is_closed(value))
        visit(walk, (int)index, place, path, value);
    int found = value ? index_of(walk->reach, value) : -1;
    if (found >= 0)
        walk->reach->objects[found].is_shared = true;
    Py_XDECREF(value);
}

static void enter_shares(struct walk *walk, size_t index, PyObject *shares)
{
    for (Py_ssize_t i = 0; PyList_CheckExact(shares) && i < PyList_GET_SIZE(shares); i++) {
        PyObject *share = PyList_GET_ITEM(shares, i);
        if (PyTuple_CheckExact(share) && PyTuple_GET_SIZE(share) == 3)
            enter_share(walk, index, share);
    }
}

/* A read-only member belongs to C code, which may keep the address of what it refers to. */
static void enter_slots(struct walk *walk, size_t index, const PyTypeObject *type)
{
    PyObject *object = walk->reach->objects[index].object;
    for (const PyMemberDef *member = type->tp_members; member && member->name; member++) {
        bool is_object = member->type == Py_T_OBJECT_EX || member->type == _Py_T_OBJECT;
        if (!is_object || strcmp(member->name, "__dict__") == 0)
            continue;
        PyObject *value = *(PyObject **)(void *)((char *)object + member->offset);
        char step[192];
        snprintf(step, sizeof step, ".%s", member->name);
        enum place_kind kind = member->flags & Py_READONLY ? PLACE_FIXED : PLACE_SLOT;
        if (value && strcmp(member->name, REACH_SHARES) == 0)
            enter_shares(walk, index, value);
        else if (next_item(walk, value) && value && !is_closed(value))
            visit_item(walk, index, (struct reach_place){kind, object, NULL, member->offset, 0}, step, value);
    }
}

static void enter(struct walk *walk, size_t index)
{
    PyObject *object = walk->reach->objects[index].object, *types = Py_TYPE(object)->tp_mro;
    enter_sequence(walk, index);
    if (PyDict_Check(object))
        enter_dict(walk, index, object, false);
    PyObject **attributes = _PyObject_GetDictPtr(object);
    if (attributes && *attributes && PyDict_Check(*attributes))
        enter_dict(walk, index, *attributes, true);
    for (Py_ssize_t i = 0; types && i < PyTuple_GET_SIZE(types); i++)
        enter_slots(walk, index, (PyTypeObject *)PyTuple_GET_ITEM(types, i));
}

/* The names come first, so that an array with a name of its own is found under that. */
static void visit_names(struct reach *reach, PyObject *names, bool inside)
{
    Py_ssize_t at = 0;
    PyObject *key, *value;
    while (PyDict_Next(names, &at, &key, &value)) {
        const char *name = PyUnicode_AsUTF8(key);
        struct walk walk = {.reach = reach};
        if (name && name[0] != '_' && (inside ? !is_closed(value) : array_is_exact(value)))
            visit(&walk, -1, (struct reach_place){PLACE_DICT, names, key, 0, 0}, name, value);
    }
}

/* A view shares its data with its owner, and memory of others may be used without a reference. */
static bool has_own_data(PyArrayObject *array)
{
    PyObject *base;
    while ((base = PyArray_BASE(array))) {
        if (!PyArray_CheckExact(base) || Py_REFCNT(base) > 1)
            return false;
        array = (PyArrayObject *)base;
    }
    return PyArray_CHKFLAGS(array, NPY_ARRAY_OWNDATA);
}

/* Returns true for an address of the data in an integer, or in the memory of an object: C code may write there. */
static bool is_pointed_at(const struct reach *reach, PyArrayObject *array)
{
    uintptr_t low = (uintptr_t)PyArray_DATA(array), size = (uintptr_t)PyArray_NBYTES(array);
    bool is_found = false;
    for (size_t i = 0; i < reach->naddresses; i++)
        is_found |= reach->addresses[i] - low < size;
    for (size_t i = 0; i < reach->nobjects && !is_found; i++) {
        PyObject *object = reach->objects[i].object;
        const uintptr_t *words = (const uintptr_t *)(const void *)object;
        size_t n = (size_t)Py_TYPE(object)->tp_basicsize / sizeof *words;
        for (size_t k = sizeof *object / sizeof *words; k < n && !reach->objects[i].is_array; k++)
            is_found |= words[k] - low < size;
    }
    return is_found;
}

/* A parent comes before its children. */
static void judge(struct reach *reach)
{
    for (size_t i = 0; i < reach->nobjects; i++) {
        struct reached *reached = &reach->objects[i];
        PyArrayObject *array = (PyArrayObject *)reached->object;
        bool all = Py_REFCNT(reached->object) == reached->references + 1;
        reached->is_owned =
            all && !reached->is_shared && (reached->parent < 0 || reach->objects[reached->parent].is_owned);
        reached->is_movable = all && reached->is_array && (reached->depth == 0 || has_own_data(array)) &&
                              !is_pointed_at(reach, array);
    }
}

void reach_names(struct reach *reach, PyObject *names, bool inside)
{
    *reach = (struct reach){0};
    visit_names(reach, names, inside);
    for (size_t i = 0, n = reach->nobjects; i < n; i++) {
        struct walk walk = {.reach = reach};
        if (!reach->objects[i].is_array)
            enter(&walk, i);
        if (walk.is_cut)
            text_add(reach->cut, sizeof reach->cut, ", ", "%s", reach->objects[i].path);
    }
    judge(reach);
    PyErr_Clear();
}

void reach_clear(struct reach *reach)
{
    for (size_t i = 0; i < reach->nobjects; i++) {
        Py_DECREF(reach->objects[i].object);
        free(reach->objects[i].path);
    }
    free(reach->objects);
    free(reach->places);
    free(reach->addresses);
    *reach = (struct reach){0};
}

void reach_replace(const struct reach *reach, size_t array, PyObject *other)
{
    for (size_t i = 0; i < reach->nplaces; i++)
        if (reach->places[i].array == array)
            reach_place_set(&reach->places[i], other);
    PyErr_Clear();
}
