/* Which words all threads watch now: the same ones, for some milliseconds.
 *
 * Contract. Any worker calls turn_words at safe points; the one that finds that the time of the words is over chooses
 * the next ones, by a compare-and-swap on the end of the turn. Words are atomic, so a thread may see words of two turns
 * at once, which does no harm. turn_tripped runs in signal handlers, too.
 */
#pragma once

#include <stdint.h>

#include "detectors/watch/watchpoint.h"

struct turn_word {
    uintptr_t address; /* 0: none */
    unsigned size;
};

/* The word that this thread watches in place of the first one of the turn, from its next stall_point on; or none. */
extern __thread struct turn_word turn_own __attribute__((tls_model("initial-exec")));

void turn_start(uint64_t seed);

/* The objects of the last round are gone: drops their words, and ends the turn, so that a cache of the new objects is
 * watched when their first call fills it. Child main, while no worker is in a round. */
void turn_renew(void);

/* Fills the words of this turn. threads: that watch words; last: the number of the turn that this thread had before, or
 * 0. Returns the number of this turn. */
uint64_t turn_words(uint64_t now, unsigned threads, uint64_t last, struct turn_word ret[WATCHPOINTS]);

/* A thread touched the word in this slot. */
void turn_tripped(unsigned slot, uintptr_t address);
