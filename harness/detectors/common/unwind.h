/* Return addresses of the calling thread's stack, through libunwind. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* From the context that a signal handler was given; the first address is the interrupted instruction's.
 * Signal context; takes the loader's lock while it looks for unwind tables. Returns the number of addresses. */
size_t unwind_context(void *ucontext, uint64_t *addresses, size_t max);

/* Makes libunwind allocate and open what it needs, so that a handler need not. Child main. */
void unwind_prepare(void);
