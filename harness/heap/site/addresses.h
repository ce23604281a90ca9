/* The live blocks of another allocator, with the epoch, the size and the allocation site of each. Plain C; four bits, a
 * size and a site for each 16 bytes of address space that was ever in use, in a table of three levels.
 *
 * Contract. Any thread adds and removes, inside an allocator: without a lock, with memory from the kernel alone, and on
 * the entries of its own block only, which no other thread knows at that time. A block is removed before it is freed.
 * Walks and queries are exact while no other thread adds or removes; otherwise they may miss a block, and never fault.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/counted.h"

/* When a block was allocated. */
enum epoch {
    EPOCH_BEFORE,                            /* before the statements were first called */
    EPOCH_FIRST,                             /* during the first calls */
    EPOCH_CALLS,                             /* during later calls, in COUNTED_PARTS parts */
    EPOCH_END = EPOCH_CALLS + COUNTED_PARTS, /* while Python ends */
    EPOCHS
};

void addresses_set_epoch(enum epoch epoch);

/* block: aligned to 16 bytes, in user address space; others are ignored. size: cut to 32 bits. site: from trace_store,
 * or 0. */
void addresses_add(const void *block, size_t size, uint64_t site);
void addresses_remove(const void *block);

size_t addresses_size(const void *block);
uint64_t addresses_site(const void *block);

/* In order of address. */
void addresses_walk(void (*visit)(void *context, char *block, enum epoch epoch), void *context);
