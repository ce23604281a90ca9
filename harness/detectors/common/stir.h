/* Changes the state of the process around calls on one thread, which threads would change, too. Results that depend on
 * it then differ between these calls already.
 *
 * Contract. One thread at a time, attached. A few hundred microseconds.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

/* Changes the contents of free memory and the addresses of the next blocks: for results that depend on uninitialised
 * memory, addresses or alignment. */
void stir_memory(uint64_t turn);

/* Holds open files, objects that the collector tracks, and references to the values of `names`, if any; crowded: in
 * half of the turns also a thread that is inside a call, for which a call may wait. For results that count or number
 * these. */
void stir_process(uint64_t turn, PyObject *names, bool crowded);

/* Frees all that is held. */
void stir_end(void);
