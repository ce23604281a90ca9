/* Changes the contents of free memory and the addresses of the next blocks. Results that depend on uninitialised
 * memory, addresses or alignment then differ between calls on one thread already.
 *
 * Contract. One thread at a time, attached. A few hundred microseconds.
 */
#pragma once

#include <stdint.h>

void stir_memory(uint64_t turn);

/* Frees the blocks that stir_memory holds. */
void stir_end(void);
