/* Blocks too large for a slab. Each has a mapping of its own and ends at the inaccessible page behind it, so that a
 * long overrun traps at the instruction. Mappings are used again for the next block of their class.
 *
 * Contract. One lock, held for list work and while memory is freed; the region's lock may be taken under it. Any
 * thread, inside a heap call. large_take returns a block that is UNUSED (all zero) or FREED (poisoned), and known to
 * the caller alone; a block passed to large_give is FREED. */
#pragma once

#include "heap/memory/region.h"

/* The smallest slot size that `size` bytes at this alignment need. */
size_t large_need(size_t size, size_t align);
/* Returns NULL without memory. */
struct block *large_take(size_t size, size_t align);
/* The offset of a block of this size in its slot. */
uint32_t large_offset(const struct span *span, size_t size, size_t align);
void large_give(struct span *span);

/* Frees the memory of mappings that have been at rest too long. The checker's thread, after each round. */
void large_trim(void);
