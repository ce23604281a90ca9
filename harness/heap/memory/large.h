/* Blocks too large for a slab: a mapping each, pushed against the inaccessible page behind it, so that a long overrun
 * traps at the instruction. Mappings are kept for the next block of their class.
 *
 * Contract. One lock, held for list work and for giving memory back; the region's lock may be taken under it. Any
 * thread, inside a heap call. A block that is handed out is UNUSED (all zero) or FREED (poisoned), and known to the
 * caller alone; one that is given back is FREED.
 */
#pragma once

#include "heap/memory/region.h"

/* The smallest slot size that `size` bytes at this alignment need. */
size_t large_need(size_t size, size_t align);
/* Returns NULL without memory. */
struct block *large_take(size_t size, size_t align);
/* Where in its slot a block of this size is to lie. */
uint32_t large_offset(const struct span *span, size_t size, size_t align);
void large_give(struct span *span);

/* Gives the memory of mappings back that have been at rest for long. The checker's thread, now and then. */
void large_trim(void);

void large_lock(void);
void large_unlock(void);
