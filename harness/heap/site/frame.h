/* Fast stack walks, cheap enough for every array: the size of each return address's frame is read once from the unwind
 * tables, and cached.
 *
 * Contract. Any thread, inside a heap call; lock-free: an entry is one word. The guard's own frames have frame
 * pointers. A frame of varying size (alloca, realigned stacks) is detected when the next return address is unknown, or
 * by the walk through the unwind tables that a thread makes at times; such frames use the tables from then on.
 */
#pragma once

#include <stdint.h>

/* Reads the stack from the frame with this return address on, innermost first, at most n frames. Returns their
 * number; 0 if the address is not on the stack. */
unsigned frame_walk(uint64_t caller, uint64_t *frames, unsigned n);
