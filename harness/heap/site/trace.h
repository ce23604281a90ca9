/* Stacks of heap calls, innermost frame first, without the guard's own. Any thread; safe inside a heap call. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Initialises libunwind, by a first walk. On the first thread, before there are others. */
void trace_prepare(void);

/* The stack of the code that called the heap with this return address; the address alone if it is not on the stack. */
unsigned trace_from(uint64_t caller, uint64_t *frames, unsigned n);

/* The current stack; may begin with frames of the guard's own. */
unsigned trace_here(uint64_t *frames, unsigned n);

/* Stores a stack once, until the process ends. Returns its number as a site, or the first return address if the depot
 * is full. trace_expand returns the stack of a site; a return address is a stack of one frame. Lock-free. */
uint64_t trace_store(const uint64_t *frames, unsigned n);
unsigned trace_expand(uint64_t site, uint64_t *frames, unsigned n);
