/* The plan key `perturb`: what a child with threads does beside its statements, so that threads meet where they seldom
 * do. Plain data. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "core/plan/detector_list.h"

/* Of the priorities: changes in a window of points. An order of the points that depends on PCT_CHANGES + 1 of them has
 * a chance of 1/(n k^(d-1)) in a window, n threads, k = PCT_POINTS, d = PCT_CHANGES + 1. */
#define PCT_POINTS 32
#define PCT_CHANGES 2

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
    ROW(CROWD, crowd, "the default number of threads is at least 4 for each core") \
    ROW(PIN, pin, "in every other round or so, all threads run on one core") \
    ROW(PCT, pct, \
        "around calls, at allocations and at locks threads wait for up to 100 us for those of higher priority; " \
        "priorities are random, and " AS_TEXT(PCT_CHANGES) " of each " AS_TEXT(PCT_POINTS) " points change one") \
    ROW(FIRST, first, \
        "each of many new processes makes the objects of the setup, and its threads make their first calls together") \
    ROW(STALL, stall, "threads are stalled for a moment at words that several of them touch")
/* clang-format on */

#define PERTURB_ENUM(id, name, about) PERTURB_##id##_AT,
enum { PERTURB_LIST(PERTURB_ENUM) PERTURB_COUNT };
#define PERTURB_BIT(id, name, about) PERTURB_##id = 1 << PERTURB_##id##_AT,
enum perturb { PERTURB_LIST(PERTURB_BIT) };

/* Detectors of a child with PERTURB_FIRST: the others need threads or a state that a forked process lacks. */
#define PERTURB_FIRST_DETECTORS                                                                              \
    (DETECTOR_BIT(DETECTOR_CRASH) | DETECTOR_BIT(DETECTOR_HANG) | DETECTOR_BIT(DETECTOR_LOG) |               \
     DETECTOR_BIT(DETECTOR_EXCEPTION) | DETECTOR_BIT(DETECTOR_DIVERGE))

/* No child perturbs, not even those of which it is the purpose. No other bit is set beside it. */
#define PERTURB_OFF (UINT32_C(1) << 31)

/* "lockstep,fresh" or "off" to bits, and back. On failure `error` is one sentence. Returns 0 or -EINVAL. */
int perturb_parse(const char *text, uint32_t *ret_bits, char *error, size_t error_size);
void perturb_print(uint32_t bits, char *text, size_t size);

/* What these do, as the end of a sentence. threads: of the plan. */
void perturb_say(uint32_t bits, uint32_t threads, char *text, size_t size);
