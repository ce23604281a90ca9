/* The mappings of the process. Child main. Uses no heap, so that counting does not add to the growth. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Bytes of executable mappings without a file, that is of compiled code. `writable`: also count writable ones; Valgrind
 * has such mappings of its own. */
int64_t mapped_code(bool writable);

/* Visits the mappings that this process alone can read and write. */
void mapped_writable(void (*visit)(void *context, uintptr_t from, uintptr_t to), void *context);
