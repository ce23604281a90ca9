/* A space: the names that statements see, and the arrays among them that are watched.
 *
 * Contract. The base space is made by the child's main thread, attached, while no worker is inside a round: inputs from
 * recipes, then setup. A worker's space has a dict of its own; its values are the base's (shared) or made again for it
 * (rung private).
 */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "child/step/step.h"
#include "core/plan/plan.h"
#include "detectors/watch/watched.h"

/* What a serial call was seen to change for good, by name: outlives the space that it was learnt in. */
struct space_memory {
    char *name;
    bool metadata, data, reshaped, written;
};

struct space_memories {
    struct space_memory *items;
    unsigned n;
};

struct space {
    PyObject *names;         /* dict */
    struct watched *watched; /* a worker's shared space borrows the base's */
    unsigned nwatched;
    bool borrows;
    struct space *own; /* a worker's: what it has for itself although the rest is shared, or NULL */
};

/* What makes a base space. */
struct space_maker {
    const struct plan *plan;
    const struct recipe *recipes;  /* one for each input */
    PyObject *setup;               /* code or NULL */
    PyObject *thread_setup;        /* code or NULL */
    PyObject *writer;              /* code or NULL */
    const struct program *program; /* its statements that are left out are run here; or NULL */
    bool tripwire;                 /* place what can be placed */
    bool writes;                   /* the rung has the inputs written */
    struct space_memories memories;
};

/* Compiles setup and thread setup. On failure `error` is one sentence. Returns 0, -EINVAL or -ENOMEM. */
int space_maker_init(struct space_maker *maker, const struct plan *plan, const struct recipe *recipes,
                     char *error, size_t error_size);
void space_maker_clear(struct space_maker *maker);

/* On failure `error` is one sentence that says which statement failed and why. Returns 0 or -ENOEXEC. */
int space_make(struct space_maker *maker, struct space *space, char *error, size_t error_size);

/* A worker's names over the base's objects. Returns 0 or -ENOMEM. */
int space_share(const struct space *base, struct space *space);

/* After space_share: what the plan calls private is made anew for this worker. Like space_make. */
int space_part(struct space_maker *maker, const struct space *base, struct space *space, char *error,
               size_t error_size);

/* thread_index, iteration_index and the thread setup, on the thread itself. Like space_make. */
int space_thread_setup(const struct space_maker *maker, struct space *space, unsigned thread_index,
                       char *error, size_t error_size);
void space_drop(struct space *space);

/* Remembers what its watched arrays are marked with. */
void space_remember(struct space_maker *maker, const struct space *space);

/* Runs compiled code. Returns false with an exception set. Attached. */
bool space_run(PyObject *code, PyObject *names);

/* Sets an integer variable; nothing without memory. Attached. */
void space_set_number(PyObject *names, const char *name, uint64_t number);

/* Writes the current exception as "Type: message" and clears it. Returns text. Attached. */
const char *space_exception_text(char *text, size_t size);
