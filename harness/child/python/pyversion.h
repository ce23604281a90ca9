/* Everything that depends on the version of CPython. */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "core/wire/scene.h"
#include "detectors/memory/pyobject.h"

/* Is the GIL on now? An import may have switched it on. Attached. */
bool pyversion_gil_is_on(void);

/* Asks for the GIL on or off in the interpreter that config will start; a build without the choice ignores it. */
void pyversion_config_gil(PyConfig *config, bool on);

/* Is this a build that can run without the GIL? */
bool pyversion_is_free_threaded(void);

/* Asks for the debug hooks around every block of memory that Python allocates. Before Python is initialised. */
void pyversion_config_hooks(PyPreConfig *config);

/* CPython 3.13t makes functions, code, types and modules immortal once a thread was started, and they keep what they
 * hold: not in a process that counts. False: this interpreter cannot be asked for it. Attached, before the first
 * thread. */
bool pyversion_keep_mortal(void);

/* How far objects lie from the start of their blocks. */
struct pyobject_layout pyversion_layout(void);

/* pyversion_frame.c. Signal handlers, on any thread, whatever the state of memory: async-signal-safe, and every pointer
 * is followed through peek alone. */

/* Writes the Python frames of the calling thread into its page, which has none yet. */
void pyversion_write_frames(struct scene_page *page);

/* What a thread waits for in CPython's parking lot, when it sleeps on this futex: the address of a PyMutex or the like.
 * Of a futex that is not the parking lot's it is any number, or 0. */
uint64_t pyversion_parked(uint64_t futex);
