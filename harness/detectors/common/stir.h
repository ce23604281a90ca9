/* Changes the state of the process around calls on one thread, which threads would change, too. Results that depend on it
 * then differ between these calls already.
 *
 * Contract. One thread at a time, attached. A few hundred microseconds.
 */
#pragma once

#include <Python.h>

#include <stdint.h>

/* Changes the contents of free memory and the addresses of the next blocks: for results that depend on uninitialised
 * memory, addresses or alignment. */
void stir_memory(uint64_t turn);

/* Holds open files, objects that the collector tracks, references to the values of `names`, if
 * any, and in each second turn a
 * thread that is inside a call: for results that count them or number them. */
void stir_process(uint64_t turn, PyObject *names);

/* Frees all that is held. */
void stir_end(void);
