/* A block: the data about one slot of memory. It lies apart from the slot, so that an overrun cannot reach it.
 *
 * Contract. `word` has a version and a state, and is the lock of the other members: the thread that moves it from LIVE
 * or FREED to CHANGING (by compare-and-swap, or as the only thread that knows the slot) alone writes them until it
 * stores the next state. Readers take no lock: they load the word (acquire), read, and use what they read only if the
 * word is still the same (block_still). Slots and blocks never move and are never unmapped; readers may see torn bytes
 * of a slot, but never an unmapped slot, except in a span of pages (region.h).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/violation.h"

#define BLOCK_HEAD 16       /* canary before a block; longer if the alignment requires it */
#define BLOCK_TAIL 16       /* least canary behind a block */
#define BLOCK_LOOK 256      /* canary bytes checked behind a block, and before an aligned one */
#define BLOCK_WHOLE 1024    /* slots up to this size are poisoned whole */
#define BLOCK_POISON 512    /* poisoned bytes at the start of a larger freed block, … */
#define BLOCK_POISON_END 64 /* … and at its end */

enum block_state { BLOCK_UNUSED, BLOCK_CHANGING, BLOCK_LIVE, BLOCK_FREED };

struct block {
    _Alignas(64) _Atomic uint32_t word; /* version << 2 | enum block_state */
    uint8_t kind;                       /* enum block_kind */
    _Atomic uint8_t reported;           /* a violation is reported; reset by the next allocation */
    uint16_t step;
    char *start;                    /* of the slot */
    size_t size;                    /* as requested */
    uint32_t offset;                /* of the block in its slot */
    uint32_t sequence;              /* number in the allocating thread */
    uint64_t alloc_site, free_site; /* return addresses */
    uint32_t iteration;
    uint16_t worker, free_worker;
    struct block_array array;
};

_Static_assert(sizeof(struct block) == 64, "a block is one cache line");

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

/* Returns true if all that was read since `word` was loaded belongs to that version. */
static inline bool block_still(const struct block *block, uint32_t word)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&block->word, memory_order_relaxed) == word;
}

/* The owner only. The fence orders the next writes behind the new word. */
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
