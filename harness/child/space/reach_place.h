/* A place: where a reference to an object is, so that another object can be put there. Attached; runs no code of the
 * target. The objects are borrowed.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stddef.h>

enum place_kind {
    PLACE_FIXED, /* cannot be set */
    PLACE_DICT,
    PLACE_LIST,
    PLACE_TUPLE,
    PLACE_SLOT,
    PLACE_CELL,
    PLACE_CLASS,
    PLACE_VARIABLE
};

/* A reference to an object: in `holder` under a key, at an index or at an offset. */
struct reach_place {
    enum place_kind kind;
    PyObject *holder, *key;
    Py_ssize_t at;
    size_t array;
};

/* Finds the kind of a place by its holder: a dict, a tuple (the key is an index), a cell (the key does not matter), a
 * class, or the variables of a frame. Returns a new reference to what is there, or NULL without an exception. */
PyObject *reach_place_find(struct reach_place *place, PyObject *holder, PyObject *key);

bool reach_place_is(const struct reach_place *one, const struct reach_place *other);

/* Puts another object there. May leave an exception. */
void reach_place_set(const struct reach_place *place, PyObject *other);
