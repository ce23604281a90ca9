/* Stirring: free memory gets other contents, and the next blocks other places. What a call leaves uninitialised, or
 * computes from addresses and alignment, then differs from call to call on one thread already.
 *
 * Contract. One thread at a time, attached. A few hundred microseconds.
 */
#pragma once

#include <stdint.h>

void stir_memory(uint64_t turn);

/* Gives back what stir_memory keeps. */
void stir_end(void);
