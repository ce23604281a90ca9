/* A block: one slot of memory and what is known of it, out of line, so that an overrun cannot reach it.
 *
 * Contract. `word` holds a version and a state, and is the lock of the rest: who moves it from LIVE or FREED to
 * CHANGING (one compare-and-swap, or the owner of a slot that nobody else knows) alone writes the other members until
 * it stores the next state. Readers take no lock: they load the word (acquire), look, and believe what they saw only
 * if the word is still the same (block_still). Slots and blocks never move and are never unmapped; what readers see of
 * a slot's bytes may be torn, never unmapped, except in a span of pages (region.h).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/violation.h"

#define BLOCK_HEAD 16       /* canary before a block; more where alignment asks for it */
#define BLOCK_TAIL 16       /* at least so much behind it */
#define BLOCK_LOOK 256      /* canary bytes looked at behind a block, and before an aligned one */
#define BLOCK_WHOLE 1024    /* slots up to here are poisoned whole; larger ones: */
#define BLOCK_POISON 512    /* bytes at the start of a freed block, … */
#define BLOCK_POISON_END 64 /* … and at its end */

enum block_state { BLOCK_UNUSED, BLOCK_CHANGING, BLOCK_LIVE, BLOCK_FREED };

struct block {
    _Alignas(64) _Atomic uint32_t word; /* version << 2 | enum block_state */
    uint8_t kind;                       /* enum block_kind */
    _Atomic uint8_t reported;           /* a violation of it has been told; until its next allocation */
    uint16_t step;
    char *start;                    /* of the slot */
    size_t size;                    /* as asked for, to the byte */
    uint32_t offset;                /* of the block in its slot */
    uint32_t sequence;              /* of the allocating thread */
    uint64_t alloc_site, free_site; /* return addresses */
    uint32_t iteration;
    uint16_t worker, free_worker;
    struct block_array array;
};

_Static_assert(sizeof(struct block) == 64, "one cache line a block");

static inline enum block_state block_state_of(uint32_t word)
{
    return (enum block_state)(word & 3);
}

static inline uint32_t block_next_word(uint32_t word, enum block_state state)
{
    return ((word >> 2) + 1) << 2 | (uint32_t)state;
}

static inline uint32_t block_load(const struct block *block)
{
    return atomic_load_explicit(&block->word, memory_order_acquire);
}

/* What was read since `word` was loaded belongs to that version. */
static inline bool block_still(const struct block *block, uint32_t word)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&block->word, memory_order_relaxed) == word;
}

/* The owner's alone. The fence keeps what is written next behind it. */
static inline void block_begin_change(struct block *block)
{
    uint32_t word = atomic_load_explicit(&block->word, memory_order_relaxed);
    atomic_store_explicit(&block->word, block_next_word(word, BLOCK_CHANGING), memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static inline void block_end_change(struct block *block, enum block_state state)
{
    uint32_t word = atomic_load_explicit(&block->word, memory_order_relaxed);
    atomic_store_explicit(&block->word, block_next_word(word, state), memory_order_release);
}

static inline char *block_user(const struct block *block)
{
    return block->start + block->offset;
}
