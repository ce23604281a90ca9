/* Stacks at a price that every array can pay: how far each return address's frame reaches is learnt once from the
 * unwind tables, and remembered.
 *
 * Contract. Any thread, inside a heap call; lock-free: an entry is one word. The guard's own frames have frame
 * pointers. A frame of varying size (alloca, realigned stacks) is noticed, because the next return address is then
 * none that is known, or by the look at the tables that is taken now and then; it is unwound by the tables from then
 * on.
 */
#pragma once

#include <stdint.h>

/* The stack from the frame with this return address on, innermost first, at most n frames. Returns how many; 0
 * when the stack does not show the address. */
unsigned frame_walk(uint64_t caller, uint64_t *frames, unsigned n);
