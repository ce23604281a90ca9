/* Stacks of heap calls, innermost frame first, without the guard's own. Any thread; safe inside a heap call. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* On the first thread, before there are others: the first walk of all sets libunwind up. */
void trace_prepare(void);

/* From the code that called the heap with this return address; the address alone where the stack does not show it. */
unsigned trace_from(uint64_t caller, uint64_t *frames, unsigned n);

/* From whoever called into the guard; may begin with frames of its own. */
unsigned trace_here(uint64_t *frames, unsigned n);

/* Stacks that are kept for good, each once, and named by a number that passes for a site. A site that names none, or a
 * return address, stands for itself. Lock-free. */
uint64_t trace_keep(const uint64_t *frames, unsigned n);
unsigned trace_expand(uint64_t site, uint64_t *frames, unsigned n);
