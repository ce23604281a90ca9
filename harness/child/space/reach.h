/* The arrays that names reach: the values of the names, and what lies inside them, by path: `lu[1]`, `d['x']`, `m.a`.
 *
 * Contract. Attached, while no call runs. Runs no code of the target: reads the items of tuples, lists and dicts (of
 * their subclasses too), the `__dict__` of instances and the slots of their classes, but no property, no `__getattr__`
 * and no overridden method. Does not enter modules, classes and functions. Each object is entered once, so cycles end.
 *
 * An object of ftstress's own Python code lists places outside of it in the slot REACH_SHARES: tuples of a path, a
 * holder and a key. The holder is a dict, a tuple, a cell, a class, or the variables of a frame.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REACH_DEPTH 4          /* levels below a name */
#define REACH_ARRAYS 32        /* inside one name */
#define REACH_OBJECTS 256      /* inside one name, arrays too */
#define REACH_ITEMS 65536      /* of all objects inside one name, numbers and texts too */
#define REACH_BYTES (64 << 20) /* of all arrays inside one name */
#define REACH_OBJECTS_ALL 2048 /* inside all names */
#define REACH_SHARES "__ftstress_shares__"

struct reached {
    PyObject *object; /* strong */
    char *path;
    int parent; /* index of the object that it was found in; -1: a name */
    unsigned depth;
    Py_ssize_t references; /* to it, of those that were found; without places that cannot be set */
    bool is_array;         /* exactly an ndarray */
    bool is_movable; /* an array: a copy can take its place everywhere, and no other array shares its data */
    bool is_shared;  /* it is in a place outside of the names, which other spaces have, too */
    bool is_owned;   /* it and its parents are referred to by what was found only */
};

struct reach_place;

struct reach {
    struct reached *objects;
    size_t nobjects;
    struct reach_place *places; /* of references to arrays */
    size_t nplaces;
    unsigned narrays;
    uintptr_t *addresses; /* integers that may be addresses of data */
    size_t naddresses;
    char cut[256]; /* names with more in them than the limits let in */
};

/* inside: also looks into the values of the names. Ignores names that begin with an underscore. */
void reach_names(struct reach *reach, PyObject *names, bool inside);
void reach_clear(struct reach *reach);

/* Puts another object in all places of a movable array. */
void reach_replace(const struct reach *reach, size_t array, PyObject *other);
