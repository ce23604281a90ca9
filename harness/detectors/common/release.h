/* Functions that release an object or a block which their first argument points to.
 *
 * Contract. Child main calls release_start once, before the threads; release_is runs on any thread, in signal handlers
 * too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void release_start(void);

/* Is it the start of such a function, of the interpreter, of libc or of C++? */
bool release_is(uintptr_t function);
