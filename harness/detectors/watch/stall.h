/* Stalls at watched words: a thread that touches one waits a moment in the handler of its trap, so that another thread
 * may touch the word meanwhile; and evidence of lost updates.
 *
 * Contract. A worker calls stall_begin, stall_point, stall_rest and stall_end on its own thread, attached, outside of
 * signal handlers; stall_on_trap runs in its handler. Each worker has a place of its own among the stalls. The thread
 * that stalls writes its members, then publishes the address; another thread that writes the word meanwhile claims the
 * place of the witness by a compare-and-swap, fills it, and publishes that by a second state. The thread that stalled
 * reads it after its stall, and does not begin another one before a witness is complete. A stall ends by the clock: no
 * thread waits for another, but the one that crashes, for some milliseconds at most.
 *
 * Lost update. The value of a word changes between a plain load and a plain store that depends on it, or a plain
 * read-modify-write of another thread follows one while the first thread has not left that instruction. No lock orders
 * the two then: a thread that holds it would be inside.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "detectors/watch/instruction.h"

#define STALL_FRAMES 22 /* two stacks fit into a record */

/* An instruction that touched memory. */
struct stall_sight {
    uintptr_t pc;
    uintptr_t address; /* of the memory that it names; 0: not known */
    struct access access;
    uint16_t worker;
    uint16_t nframes;
    uint64_t time;
    uint64_t frames[STALL_FRAMES]; /* the first is pc */
};

/* An update that was lost. */
struct stall_race {
    struct stall_sight first, other; /* of the thread that stalled; of the one that wrote meanwhile */
    uintptr_t store;                 /* of a load and a later store: the latter; 0: one instruction */
    uint64_t before, after;          /* the value of the memory when the stall began, and when it ended */
    uint64_t stored;                 /* by the store */
};

/* A stall that a call met: its own, or one of another thread at a word that it touched. */
struct stall_met {
    uint32_t iteration;
    bool own;
    uintptr_t word;
    uintptr_t stalled,
        other; /* instructions of the thread that stalled, and of one that touched the word meanwhile, or 0 */
};

/* Makes detectors send, behind a finding, what its call met (RECORD_STALL). Child main. */
void stall_log_start(void);
/* stall_log.c, in handlers. The worker's own thread adds what its current call met; the findings of a round are sent on
 * this thread, or while it waits. */
void stall_log_add_call(uint16_t worker, const struct stall_met *met);
/* Is the worker about to report a pair, as soon as its stall ends, or with its next store? */
void stall_log_expect(uint16_t worker, bool is_expected);
/* Lets the other workers report the pairs that they are about to, for some milliseconds at most: the process ends,
 * maybe because of one of these. own: a worker, or RECORD_MAIN. */
void stall_log_settle(uint16_t own);
/* A pair of instructions is reported once. add: returns false if it is there already, or the log is full. */
uint64_t stall_log_pair(uintptr_t one, uintptr_t other);
bool stall_log_has_pair(uint64_t pair);
bool stall_log_add_pair(uint64_t pair);

/* Called with what may be a lost update, in the handler of the thread that stalled. Returns true if it is one: then its
 * pair of instructions is done. Child main sets it before the workers start. NULL: the detector watch is off. */
extern bool (*stall_found)(const struct stall_race *race);

/* Begins the watch of this thread. */
void stall_begin(uint16_t worker, uint64_t seed);
void stall_end(void);

/* Puts the registers of this thread on the words that all threads watch now. Returns 0, or -errno where a register
 * cannot be set. */
int stall_point(void);

/* Takes them off until the next stall_point: the words may be gone then. */
void stall_rest(void);

/* Returns true for a trap of a watchpoint, which is handled. Signal context. */
bool stall_on_trap(const siginfo_t *info, void *ucontext);
