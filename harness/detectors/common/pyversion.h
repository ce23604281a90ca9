/* The code that depends on the version of CPython. selftest.h checks what it assumes about the interpreter. */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stddef.h>

#include "core/wire/scene.h"

/* Is the GIL on now? An import may turn it on. Attached. */
bool pyversion_gil_is_on(void);

/* Turns the GIL on in the interpreter that config will start, or leaves the choice to Python. A build with the GIL
 * ignores it. */
void pyversion_config_gil(PyConfig *config, bool on);

/* Can this build run without the GIL? */
bool pyversion_is_free_threaded(void);

/* Puts debug hooks around every block of memory that Python allocates. Before Python is initialised. */
void pyversion_config_hooks(PyPreConfig *config);

/* CPython 3.13t makes functions, code, types and modules immortal when the first thread starts, with all objects that
 * they refer to. Prevents that, for a process that counts. Returns false where the interpreter cannot. Attached, before
 * the first thread. */
bool pyversion_keep_mortal(void);

/* Makes the calling thread allocate each new object: from a free list it gets the block of an object that another
 * function made, and the block's allocation site names that function. A collection may switch the lists on again.
 * Attached. */
void pyversion_stop_free_lists(void);

/* Clears the stacks that a collection on the calling thread left behind: to a search for holders, the objects in them
 * would look held. Attached. */
void pyversion_forget_stacks(void);

/* How an object's references are counted. */
enum pyobject_references {
    PYOBJECT_COUNTED,
    PYOBJECT_DEFERRED, /* counted, except for those on the interpreter's stacks */
    PYOBJECT_IMMORTAL, /* not counted */
};

struct pyobject_layout {
    /* The distances of an object from the start of its block. */
    size_t gc_head;   /* before an object with garbage collection */
    size_t preheader; /* before one with a managed dict or weak references */
    size_t list_head; /* before the items of a list, in their own block */
    enum pyobject_references (*references)(PyObject *object, Py_ssize_t *ret_count);
    void (*add_references)(PyObject *object, Py_ssize_t n);
};
struct pyobject_layout pyversion_layout(void);

/* `head` is a copy of what may be an object: does it belong to no thread, or to a living one? Any thread, detached. */
bool pyversion_has_owner(const PyObject *head);

/* pyversion_frame.c, for signal handlers on any thread: async-signal-safe, and follows pointers only through peek,
 * because memory may be corrupt. */

/* Writes the Python frames of the calling thread into its page. */
void pyversion_write_frames(struct scene_page *page);

/* Returns the address on which a thread that sleeps on this futex waits in CPython's parking lot, such as a PyMutex.
 * The result has no meaning for a futex outside the parking lot. */
uint64_t pyversion_parked(uint64_t futex);
