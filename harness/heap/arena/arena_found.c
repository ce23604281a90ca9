/* The violations that a walk has found. See arena.h for the contract. */
#include "heap/arena/arena_inside.h"

#include <string.h>

/* Copies the bytes of the header, or of the free block. */
static void copy_bytes(const struct arena_walker *walker, struct arena_violation *violation)
{
    bool header = violation->fault <= ARENA_TOP, whole = violation->fault < ARENA_CACHE_HEAD;
    uintptr_t at = header ? violation->chunk : chunk_block(violation->chunk);
    for (unsigned i = 0; whole && i < ARENA_BYTES / WORD; i++) {
        if (!arena_is_mapped(walker, at + i * WORD, WORD))
            return;
        uint64_t word = arena_word(at + i * WORD);
        memcpy(violation->bytes + i * WORD, &word, WORD);
        violation->nbytes += WORD;
    }
}

void arena_add(struct arena_walker *walker, enum arena_fault fault, uintptr_t at, uint64_t value,
               uintptr_t block, size_t size)
{
    for (unsigned i = 0; i < walker->nfound; i++)
        if (walker->found[i].chunk == at)
            return;
    if (walker->nfound == ARENA_VIOLATIONS)
        return;
    struct arena_violation *violation = &walker->found[walker->nfound++];
    *violation =
        (struct arena_violation){.fault = fault, .chunk = at, .value = value, .block = block, .size = size};
    copy_bytes(walker, violation);
}

void arena_add_free(struct arena_walker *walker, enum arena_fault fault, uintptr_t at, uint64_t value)
{
    arena_add(walker, fault, at, value, chunk_block(at), chunk_usable(chunk_size(at)));
}
