/* A space: the names of the statements, and the watched arrays that they reach.
 *
 * Contract. The child's main thread makes the base space, attached, while no worker is inside a round: the inputs from
 * recipes, then the setup. A worker's space has its own dict; the values are the base's, or, at sharing level private,
 * made again for it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "child/step/step.h"
#include "core/plan/plan.h"
#include "detectors/watch/watched.h"

/* An array, or any inside one object, that a serial call changes for good, by name: outlives the space in which that
 * was seen. */
struct space_memory {
    char *name;
    bool metadata, data, reshaped, written;
};

struct space {
    PyObject *names;         /* dict */
    struct watched *watched; /* borrowed from the base in a worker's shared space */
    unsigned nwatched;
    char cut[256]; /* names of objects with more arrays in them than are watched */
    bool borrows;
    struct space *own; /* the objects that the plan makes private to a worker, or NULL */
};

struct space_maker {
    const struct plan *plan;
    const struct recipe *recipes;                      /* one for each input */
    PyObject *setup, *thread_setup, *writer, *release; /* code or NULL */
    const struct program *program;                     /* its knocked-out statements run here; or NULL */
    bool tripwire;                                     /* place arrays behind the tripwire where possible */
    bool loosens;                                      /* calls change objects */
    bool writes;                                       /* the sharing level has the inputs written */
    struct space_memory *memories;
    unsigned nmemories;
};

/* Compiles the code of the plan that is no statement. On failure `error` is one sentence. Returns 0, -EINVAL or
 * -ENOMEM. */
int space_maker_init(struct space_maker *maker, const struct plan *plan, const struct recipe *recipes,
                     char *error, size_t error_size);
void space_maker_clear(struct space_maker *maker);

/* Makes the inputs and runs the setup. On failure `error` is one sentence. Returns 0, -ENOMEM or -ENOEXEC. */
int space_make(struct space_maker *maker, struct space *space, char *error, size_t error_size);

/* Finds the arrays of a space that is made, and watches them. Looks into objects only for detectors that use it: that
 * gives instances a dict. */
void space_watch(const struct space_maker *maker, struct space *space);

/* Ends that: what outlives the space (an array of a module) then has the references that it had before. */
void space_unwatch(struct space *space);

/* Makes a worker's space over the base's objects. Returns 0 or -ENOMEM. */
int space_share(const struct space *base, struct space *space);

/* Makes a worker's space as the sharing level demands, and runs the thread setup. part: also makes the objects that the
 * plan calls private. On the thread itself; fails like space_make. */
int space_begin(struct space_maker *maker, const struct space *base, struct space *space, bool part,
                unsigned thread_index, char *error, size_t error_size);

/* Sets thread_index and iteration_index and runs the thread setup. On the thread itself; fails like space_make. */
int space_thread_setup(const struct space_maker *maker, struct space *space, unsigned thread_index,
                       char *error, size_t error_size);

/* Reports arrays of its own that calls released too often. On the thread that made them, outside of calls. */
void space_check(const struct space *space);
void space_drop(struct space *space);

/* Keeps the marks of its watched arrays for the spaces that are made later, and spreads those inside an object. */
void space_remember(struct space_maker *maker, const struct space *space);

/* Calls change objects: from now on a change of an array inside one is no damage. */
void space_loosen(struct space_maker *maker, const struct space *space);

/* Runs compiled code. Returns false with an exception set. Attached. */
bool space_run(PyObject *code, PyObject *names);

/* Sets an integer variable, if there is memory. Attached. */
void space_set_number(PyObject *names, const char *name, uint64_t number);

/* Writes the current exception as "Type: message" and clears it. Returns text. Attached. */
const char *space_exception_text(char *text, size_t size);
