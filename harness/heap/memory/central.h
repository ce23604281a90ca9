/* The free slots of slabs that belong to no thread. Threads take and return them in batches.
 *
 * Contract. One lock for each class, held for a batch; the region's lock may be taken under it. Any thread, inside a
 * heap call. Every slot here is FREED and poisoned, and stays visible to the checker.
 */
#pragma once

#include "heap/memory/region.h"

/* Takes at most `n` slots of the class; fewer, or 0, without memory. */
unsigned central_take(unsigned class, struct block **taken, unsigned n);
void central_give(unsigned class, struct block *const *given, unsigned n);
