/* The pattern of bytes that no code may write: canaries, and the poison of freed blocks.
 *
 * Each slot has a word of its own, so that bytes copied from another slot's canary are detected. Words lie at
 * multiples of 8. No byte of a word is 0 or ASCII; its two top bytes are 0xdb, so that a pointer read from it is
 * non-canonical and faults when followed.
 *
 * Any thread may write the memory at the same time: a reader validates what it read afterwards (see block.h), and these
 * functions are exempt from the sanitizers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/exempt.h"

typedef uint64_t __attribute__((may_alias, aligned(8))) pattern_word;
typedef uint64_t __attribute__((may_alias, aligned(8), vector_size(16))) pattern_pair;

static inline uint64_t pattern_of(const char *slot)
{
    uint64_t mixed = ((uintptr_t)slot >> 4) * UINT64_C(0x9e3779b97f4a7c15);
    return UINT64_C(0xdbdb808080808080) | (mixed >> 16 & UINT64_C(0x00007f7f7f7f7f7f));
}

static inline char pattern_byte(uint64_t word, const char *at)
{
    return (char)(word >> (8 * ((uintptr_t)at & 7)));
}

/* Any alignment. */
void pattern_fill(char *from, const char *to, uint64_t word);

/* The first byte in [from, to) that differs from the pattern, or NULL. */
const char *pattern_first_wrong(const char *from, const char *to, uint64_t word);
/* The last one. There must be one. */
const char *pattern_last_wrong(const char *from, const char *to, uint64_t word);

/* Both ends multiples of 16. */
EXEMPT static inline void pattern_fill_aligned(char *from, const char *to, uint64_t word)
{
    pattern_pair pair = {word, word};
    for (; from < to; from += 16)
        *(pattern_pair *)(void *)from = pair;
}

/* Both ends multiples of 16. Returns 0 if all bytes match. */
EXEMPT static inline uint64_t pattern_differs_aligned(const char *from, const char *to, uint64_t word)
{
    pattern_pair wrong = {0, 0}, pair = {word, word};
    for (; from < to; from += 16)
        wrong |= *(const pattern_pair *)(const void *)from ^ pair;
    return wrong[0] | wrong[1];
}
