/* A watched array: an input that statements share, with its state, which every call must preserve.
 *
 * Contract. The child's main thread takes, restores and drops it, attached, while no worker is inside a call. Any
 * thread compares it, attached, at any time: the comparison races with a writer on purpose, reads each word once and
 * never follows a pointer that it has not compared first. The mutable_ marks only change from false to true.
 */
#pragma once

#include "detectors/common/array_api.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define WATCHED_DIMS 64
/* Of larger arrays only the metadata are watched. */
#define WATCHED_BYTES_MAX (16u << 20)

struct tripwire_region;

struct watched {
    char *name;      /* or its path inside an object: lu[1] */
    PyObject *array; /* strong */
    unsigned input;  /* number of the plan's input, from 1; 0: an array of the setup */
    bool written;    /* the sharing level or the writer writes to its data, not the statements */
    bool out;        /* an output: its data may change */
    bool inside;     /* an object of a name contains it */
    bool loose;      /* inside an object that calls may change: a change for good is no damage */
    _Atomic bool mutable_metadata; /* a serial call changes it: the purpose of the statement */
    _Atomic bool mutable_data;
    bool lost;         /* calls released references that they do not own */
    Py_ssize_t spares; /* spares.h */
    bool reshaped;     /* its extents were allocated anew: it must own them, and cannot move */
    int nd, flags;
    char *data;
    const Py_ssize_t *extents; /* their address */
    Py_ssize_t dims[WATCHED_DIMS], strides[WATCHED_DIMS];
    char *low; /* first byte of its elements */
    size_t size;
    char *bytes;                    /* copy of its bytes, or NULL */
    struct tripwire_region *region; /* NULL in ordinary memory */
};

/* Fills *watched with the state of a NumPy array, and a new reference to it. Returns 0, -ENOMEM, or -EINVAL for an
 * array that cannot be watched (elements with references, too many dimensions). */
int watched_take(struct watched *watched, const char *name, PyObject *object);
void watched_drop(struct watched *watched);

/* Returns true if the metadata changed, and the difference: "its shape became (40,), was (20,)". */
bool watched_metadata_differs(const struct watched *watched, char *text, size_t size);

/* Returns true if a data byte changed, and the first one: "its data changed, first at byte 8 of 80". */
bool watched_bytes_differ(const struct watched *watched, char *text, size_t size);

/* The same; false if the data may change. */
bool watched_data_differs(const struct watched *watched, char *text, size_t size);

/* After a serial call: marks what the call changed as mutable. Returns true and a sentence for a new mark. */
bool watched_learn(struct watched *watched, char *text, size_t size);

/* Restores metadata and bytes, without those marked mutable unless `all`. An array inside an object stays as calls
 * change it: it must agree with the rest of the object. */
void watched_restore(struct watched *watched, bool all);

/* The number of bytes from *ret_low that the elements of an array span; 0 if there is none. */
size_t watched_span(PyArrayObject *array, char **ret_low);

/* Prints a shape or strides as Python does: "(3, 4)". */
void watched_print_tuple(char *text, size_t size, int nd, const Py_ssize_t *values);
