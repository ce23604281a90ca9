/* The board: one shared page of counters for each child, alive when the child is not.
 *
 * Contract. The driver makes it as a memory file; the child maps the same file. A slot is written by its worker alone
 * (slot BOARD_MAIN by the child's main thread, or the one that it waits for) and read by anyone, with relaxed order:
 * readers get a recent value, never a consistent cut. `ask` and `go_on` are the only words that the driver writes.
 * `looks` and `pairs` are added to by all workers, with relaxed order, in a few calls of a hundred.
 * Nothing here ever waits.
 *
 * A slot's `sequence` is odd while its thread is inside a call of the target: that is the whole overlap meter.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/plan/plan.h"
#include "core/wire/scene.h"

#define BOARD_MAIN PLAN_THREADS_MAX
/* Statements whose overlap is metered. */
#define BOARD_STATEMENTS 32

enum board_phase { BOARD_START, BOARD_SETUP, BOARD_SERIAL, BOARD_RUN, BOARD_FINISH };

/* Two cache lines: the adjacent-line prefetcher would otherwise make neighbours contend. */
struct board_slot {
    _Alignas(128) _Atomic uint64_t sequence; /* calls begun + calls ended */
    _Atomic uint32_t step;                   /* index of the statement being run */
    _Atomic int32_t tid;
    _Atomic uint64_t sampled;    /* calls for which the other slots were looked at */
    _Atomic uint64_t overlapped; /* of these: another thread was inside a call too */
};

struct board {
    _Atomic uint32_t phase;   /* enum board_phase */
    _Atomic uint32_t ask;     /* driver: please stop at the next call */
    _Atomic uint32_t crashed; /* child: a crash handler waits for go_on */
    _Atomic uint32_t go_on;   /* driver: has seen the crash */
    _Atomic uint64_t rounds;
    _Atomic uint64_t run_began; /* clock_now() when the workers were about to start; 0: not yet */
    _Atomic uint64_t slowest;   /* ns of the slowest call of the serial pass */
    /* The overlap of pairs: how often a thread that ran statement i looked at the others, and how many of them were
     * inside statement j then. Statements are numbered over all bodies. */
    _Atomic uint64_t looks[BOARD_STATEMENTS];
    _Atomic uint64_t pairs[BOARD_STATEMENTS][BOARD_STATEMENTS];
    struct board_slot slots[PLAN_THREADS_MAX + 1];
    struct scene scene; /* has a contract of its own */
};

/* A new board. On success the descriptor (for the child to inherit) and the mapping are the caller's.
 * Returns 0 or -errno. */
int board_create(int *ret_fd, struct board **ret_board);

/* Maps the driver's board, or a private one with fd < 0. Returns 0 or -errno. */
int board_open(int fd, struct board **ret_board);
void board_close(struct board *board);

/* The step that this worker is inside, and 1; 0 outside of a call. *ret_calls: how many it has made. */
unsigned board_inside(const struct board *board, unsigned worker, uint64_t *ret_calls);

struct board_totals {
    uint64_t calls, sampled, overlapped;
    uint64_t serial;   /* calls of the main thread */
    uint64_t progress; /* changes whenever anything has moved */
};

/* Sums the slots of the workers; the main thread's calls are counted apart. */
void board_sum(const struct board *board, struct board_totals *totals);

/* Who was in flight with whom, as on the board. */
struct board_overlap {
    uint64_t looks[BOARD_STATEMENTS];
    uint64_t pairs[BOARD_STATEMENTS][BOARD_STATEMENTS];
};

/* Adds what the board says. */
void board_overlap(const struct board *board, struct board_overlap *overlap);

static inline void board_enter(struct board_slot *slot, uint64_t calls)
{
    atomic_store_explicit(&slot->sequence, 2 * calls + 1, memory_order_relaxed);
}

static inline void board_leave(struct board_slot *slot, uint64_t calls)
{
    atomic_store_explicit(&slot->sequence, 2 * calls + 2, memory_order_relaxed);
}

/* Is a thread other than `self` inside a call now? Looks at `threads` slots, starting behind its own. */
bool board_others_inside(const struct board *board, unsigned threads, unsigned self);
