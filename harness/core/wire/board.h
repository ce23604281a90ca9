/* The board: shared counters of one child. The driver can read them after the child has died.
 *
 * Contract. The driver makes it as a memory file; the child maps the same file. Only its worker writes a slot (slot
 * BOARD_MAIN: the child's main thread, or the one that it waits for). Any thread reads slots, with relaxed order: a
 * reader gets a recent value, never a consistent cut. The driver writes `ask` and `go_on` only. All workers add to
 * `looks` and `pairs`, with relaxed order, in a few calls of a hundred. Nothing here ever waits.
 *
 * A slot's `sequence` is odd while its thread is inside a call of the target. The overlap is measured by that alone.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/plan/plan.h"
#include "core/wire/scene.h"

#define BOARD_MAIN PLAN_THREADS_MAX
/* Statements that the overlap is measured for. */
#define BOARD_STATEMENTS 32

enum board_phase { BOARD_START, BOARD_SETUP, BOARD_SERIAL, BOARD_RUN, BOARD_FINISH };

/* Two cache lines, because the adjacent-line prefetcher makes neighbouring lines contend. */
struct board_slot {
    _Alignas(128) _Atomic uint64_t sequence; /* calls begun + calls ended */
    _Atomic uint32_t step;                   /* index of the statement being run */
    _Atomic int32_t tid;
    _Atomic uint64_t sampled;    /* calls at which the other slots were read */
    _Atomic uint64_t overlapped; /* of these: another thread was inside a call too */
};

struct board {
    _Atomic uint32_t phase;      /* enum board_phase */
    _Atomic uint32_t ask;        /* driver: stop at the next call */
    _Atomic uint32_t crashed;    /* child: a crash handler waits for go_on */
    _Atomic uint32_t go_on;      /* driver: has read the crash */
    _Atomic uint32_t wire_lost;  /* child: the target closed or used the descriptor of the records */
    _Atomic uint32_t own_signal; /* child: the last signal that it sent to itself with kill or raise */
    _Atomic uint32_t unfit;   /* child: it makes no call with threads, and has sent a note with the reason */
    _Atomic uint32_t limited; /* child: the target lowered its own limit on memory */
    _Atomic uint32_t handled; /* child: a fatal signal that a handler of the target has now; 0: none */
    _Atomic int32_t
        fork; /* child: the process that it forked, which makes the calls now; 0: the child itself */
    _Atomic uint64_t forks,
        fork_time; /* child: processes forked to run threads, and ns that they took together */
    _Atomic int32_t checker,
        collector;                /* child: threads of the harness that make no calls; 0: there is none */
    _Atomic uint64_t collections; /* child: of the collector, begun + ended */
    char leaving[256];            /* child: the statement that called exit or _exit, or "" */
    _Atomic uint64_t rounds;
    _Atomic uint64_t run_began; /* clock_now() when the workers were about to start; 0: not yet */
    _Atomic uint64_t slowest;   /* ns of the slowest call of the serial pass */
    /* The overlap of pairs: looks[i]: times that a thread inside statement i read the other slots; pairs[i][j]: threads
     * that it found inside statement j. Statements are numbered over all bodies. */
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

/* The index, from 1, of the step that this worker is inside; 0: outside of a call. *ret_calls: its finished calls. */
unsigned board_inside(const struct board *board, unsigned worker, uint64_t *ret_calls);

struct board_totals {
    uint64_t calls, sampled, overlapped;
    uint64_t serial;   /* calls of the main thread */
    uint64_t progress; /* changes whenever any thread makes progress */
};

/* Sums the slots of the workers; the main thread's calls are counted apart. */
void board_sum(const struct board *board, struct board_totals *totals);

/* The overlap of pairs, as on the board. */
struct board_overlap {
    uint64_t looks[BOARD_STATEMENTS];
    uint64_t pairs[BOARD_STATEMENTS][BOARD_STATEMENTS];
};

/* Adds those of the board. */
void board_overlap(const struct board *board, struct board_overlap *overlap);

static inline void board_enter(struct board_slot *slot, uint64_t calls)
{
    atomic_store_explicit(&slot->sequence, 2 * calls + 1, memory_order_relaxed);
}

static inline void board_leave(struct board_slot *slot, uint64_t calls)
{
    atomic_store_explicit(&slot->sequence, 2 * calls + 2, memory_order_relaxed);
}

/* Is a thread other than `self` inside a call now? Reads `threads` slots, starting behind its own. */
bool board_others_inside(const struct board *board, unsigned threads, unsigned self);
