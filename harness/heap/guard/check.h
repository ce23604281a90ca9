/* Is a block's surrounding as it must be? Pure functions over memory that other threads may change meanwhile.
 *
 * Contract. Any thread, signal handlers too; they take no lock and write nothing. check_live and check_freed are for
 * blocks that the caller owns, or for copies. The memory of freed blocks in a span of pages is inaccessible, and not
 * looked at.
 */
#pragma once

#include <stdbool.h>

#include "heap/memory/region.h"
#include "core/wire/violation.h"

/* How many bytes at the start of a freed block are poison, in slots that are not poisoned whole. Set before the first
 * block. */
extern size_t check_poison;

/* Damaged bytes [from, to), both NULL: none. */
struct damage {
    const char *from, *to;
};

/* Canaries of a live block. */
struct damage check_live(const struct span *span, const struct block *block);
/* Canaries and poison of a freed one. */
struct damage check_freed(const struct span *span, const struct block *block);
/* Of either, for a block that may change meanwhile: what is found belongs to one version. */
struct damage check_block(const struct span *span, const struct block *block);

/* Start, size and offset of the version `word`, for a block that may change meanwhile: a mixture of two might point
 * outside the slot. Returns false when it has changed. */
bool check_copy(const struct block *block, uint32_t word, struct block *copy);

/* Start, size, offset, sequence and site of a block that may be changing hands, of one version or the next: enough for
 * a guess at whose fault something is. */
struct block check_glance(const struct block *block);

/* Where the bytes looked at behind a block end. */
char *check_tail_end(const struct span *span, const struct block *block);
/* Where those before it begin. */
char *check_head_start(const struct span *span, const struct block *block);

struct verdict {
    enum violation_kind kind;
    const struct span *span; /* of the culprit */
    const struct block *culprit;
    struct damage damage; /* the whole run, over all slots that it touches */
};

/* Whose fault is damage that was found at `block`: the block from whose end or start the run of damaged bytes begins,
 * however many neighbours it covers. */
struct verdict check_blame(const struct span *span, const struct block *block, struct damage damage);
