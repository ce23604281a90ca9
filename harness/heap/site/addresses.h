/* Addresses: which blocks of another allocator live, since which epoch, and who asked for them. Plain C; four bits and
 * a site for each 16 bytes of address space that was ever in use, in a table of three levels.
 *
 * Contract. Adding and removing run on any thread, inside an allocator: they take no lock, allocate from the kernel
 * alone, and touch the entries of their own block only, which nobody else knows yet or any more. A block is removed
 * before it is given back. Walks and questions are exact when no other thread adds or removes; otherwise they see each
 * block or not, and never fault.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/wire/counted.h"

/* When a block was made. */
enum epoch {
    EPOCH_BEFORE,                            /* before the statements were first called */
    EPOCH_FIRST,                             /* while they were called for the first times */
    EPOCH_CALLS,                             /* later, in COUNTED_PARTS parts of the calls */
    EPOCH_END = EPOCH_CALLS + COUNTED_PARTS, /* while Python ended */
    EPOCHS
};

void addresses_set_epoch(enum epoch epoch);

/* block: aligned to 16 bytes, of user address space; others are ignored. site: of trace_keep, or 0. */
void addresses_add(const void *block, uint64_t site);
void addresses_remove(const void *block);

bool addresses_have(const void *block);
uint64_t addresses_site(const void *block);

/* In order of address. */
void addresses_walk(void (*visit)(void *context, char *block, enum epoch epoch), void *context);
