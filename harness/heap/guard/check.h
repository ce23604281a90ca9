/* Checks the bytes around a block, and finds the culprit of damage. Pure functions over memory that other threads may
 * change meanwhile.
 *
 * Contract. Any thread, signal handlers too; they take no lock and write nothing. check_live and check_freed are for
 * blocks that the caller owns, or for copies. The memory of freed blocks in a span of pages is inaccessible, and is not
 * checked.
 */
#pragma once

#include <stdbool.h>

#include "heap/memory/region.h"
#include "core/wire/violation.h"

/* Poisoned bytes at the start of a freed block, in slots that are not poisoned whole. Set before the first block. */
extern size_t check_poison;

/* Damaged bytes [from, to), both NULL: none. */
struct damage {
    const char *from, *to;
};

/* Checks the canaries of a live block. */
struct damage check_live(const struct span *span, const struct block *block);
/* Checks the canaries and the poison of a freed block. */
struct damage check_freed(const struct span *span, const struct block *block);
/* Checks a block that may change meanwhile; damage belongs to one version of it. */
struct damage check_block(const struct span *span, const struct block *block);

/* Copies start, size and offset of the version `word` of a block that may change meanwhile: a mixture of two versions
 * might point outside the slot. Returns false if it has changed. */
bool check_copy(const struct block *block, uint32_t word, struct block *copy);

/* Copies start, size, offset, sequence and site of a block that may change meanwhile. Two versions may mix: enough to
 * guess the culprit. */
struct block check_glance(const struct block *block);

/* The end of the checked bytes behind a block. */
char *check_tail_end(const struct span *span, const struct block *block);
/* The start of the checked bytes before a block. */
char *check_head_start(const struct span *span, const struct block *block);

struct verdict {
    enum violation_kind kind;
    const struct span *span; /* of the culprit */
    const struct block *culprit;
    struct damage damage; /* the whole run, in all slots that it touches */
};

/* Finds the culprit of damage at `block`. The run of damaged bytes begins at the culprit's end or start, and may cover
 * several neighbours. */
struct verdict check_blame(const struct span *span, const struct block *block, struct damage damage);
