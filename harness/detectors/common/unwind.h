/* Return addresses of the calling thread's stack, through libunwind. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Walks from a signal handler's context; the first address is the interrupted instruction's. Signal context; takes the
 * loader's lock while it searches unwind tables. Returns the number of addresses. */
size_t unwind_context(void *ucontext, uint64_t *addresses, size_t max);

/* Returns the start of the function at pc, by its unwind table; 0: it has none. As unwind_context. */
uintptr_t unwind_function(uintptr_t pc);

/* Makes libunwind allocate and open its data before a handler needs them. Child main. */
void unwind_prepare(void);
