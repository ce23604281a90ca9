/* The plan key `perturb`: what a child with threads does beside its statements, so that threads meet where they seldom
 * do. Plain data. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* One row each: its bit, its name, and what it does to the threads, as a report says it. */
/* clang-format off */
#define PERTURB_LIST(ROW) \
    ROW(LOCKSTEP, lockstep, "all threads meet before each iteration") \
    ROW(FRESH, fresh, "the setup runs again before each round, and the threads meet at the first use of its objects") \
    ROW(COLLECT, collect, "a thread of ftstress forces garbage collections, as any thread that allocates does") \
    ROW(SKEW, skew, "threads begin a round or go on from a meeting up to 100 us late") \
    ROW(DELAY, delay, "at random times a thread waits for up to 100 us before or after a call") \
    ROW(ALLOC, alloc, "at random times a thread waits for up to 100 us where a call has allocated or freed memory") \
    ROW(LOCKS, locks, "at random times a thread waits for up to 100 us where a call has taken or released a lock") \
    ROW(STARVE, starve, "at random times a thread sleeps for up to 4 ms between two calls") \
    ROW(STALL, stall, "threads are stalled for a moment at words that several of them touch")
/* clang-format on */

#define PERTURB_ENUM(id, name, about) PERTURB_##id##_AT,
enum { PERTURB_LIST(PERTURB_ENUM) PERTURB_COUNT };
#define PERTURB_BIT(id, name, about) PERTURB_##id = 1 << PERTURB_##id##_AT,
enum perturb { PERTURB_LIST(PERTURB_BIT) };

/* No child perturbs, not even those of which it is the purpose. No other bit is set beside it. */
#define PERTURB_OFF (UINT32_C(1) << 31)

/* "lockstep,fresh" or "off" to bits, and back. On failure `error` is one sentence. Returns 0 or -EINVAL. */
int perturb_parse(const char *text, uint32_t *ret_bits, char *error, size_t error_size);
void perturb_print(uint32_t bits, char *text, size_t size);

/* What these do, as the end of a sentence. */
void perturb_say(uint32_t bits, char *text, size_t size);
