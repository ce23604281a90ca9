/* A watched array: an input that statements share, with what it must still be after every call.
 *
 * Contract. Taken, restored and dropped by the child's main thread, attached, while no worker is inside a call.
 * Compared by any thread, attached, at any time: the comparison races with a writer on purpose, reads each word once
 * and never follows a pointer that it has not compared first. The mutable_ marks only ever go from false to true.
 */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define WATCHED_DIMS 64
/* Larger arrays are watched by their metadata only. */
#define WATCHED_BYTES_MAX (16u << 20)

struct tripwire_region;

struct watched {
    char *name;
    PyObject *array; /* strong */
    unsigned input;  /* number of the plan's input that it is, from 1 on; 0: of the setup */
    bool written;    /* the rung or the writer writes to its data, not the statements */
    bool out;        /* declared as an output: its data may change */
    bool place;      /* owns its data and nothing else refers to it: may be moved to a tripwire region */
    _Atomic bool mutable_metadata; /* a serial call changed it for good: that is what the statement is for */
    _Atomic bool mutable_data;
    bool reshaped; /* its extents were allocated anew: it must own them, and cannot be placed */
    int nd, flags;
    char *data;
    const Py_ssize_t *extents; /* where they lay */
    Py_ssize_t dims[WATCHED_DIMS], strides[WATCHED_DIMS];
    char *low; /* the bytes that its elements span */
    size_t size;
    char *bytes;                    /* copy of them, NULL when there is none */
    struct tripwire_region *region; /* NULL when it lies in ordinary memory */
};

/* Fills *watched for a NumPy array and remembers its state. Returns 0, -ENOMEM, or -EINVAL for what cannot be
 * watched (elements that hold references, too many dimensions). The reference is taken anew. */
int watched_take(struct watched *watched, const char *name, PyObject *object);
void watched_drop(struct watched *watched);

/* Writes what is different ("its shape is (40,), was (20,)") and returns true when the metadata changed. */
bool watched_metadata_differs(const struct watched *watched, char *text, size_t size);

/* Returns true when a data byte changed, and the first one's offset from `low`. */
bool watched_bytes_differ(const struct watched *watched, size_t *ret_offset);

/* After a serial call: marks what changed for good as mutable. Returns true and a sentence when there is something
 * new. */
bool watched_learn(struct watched *watched, char *text, size_t size);

/* Puts metadata and bytes back, except what is marked mutable and `all` is not asked for. */
void watched_restore(struct watched *watched, bool all);

/* The bytes from *ret_low that elements of this geometry span; 0 when there is no element. */
size_t watched_span(char *data, int nd, const Py_ssize_t *dims, const Py_ssize_t *strides, size_t itemsize,
                    char **ret_low);
