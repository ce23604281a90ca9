/* Runs one plan: a serial pass, then rounds of workers, with a barrier before and after each.
 *
 * Contract. run_plan runs on the child's main thread, attached; it makes the workers, and prepares and checks the
 * inputs between rounds while all workers wait. `over`, `damaged` and `failed` are set by workers and cleared by the
 * main thread between rounds; a worker sees them at its next poll, at most poll_every iterations later. Workers
 * raise `busy` at the end of a round.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <ftstress/scenario.h>

#include "child/meet/barrier.h"
#include "child/step/samples.h"
#include "child/space/space.h"
#include "child/step/step.h"
#include "child/run/writer.h"
#include "core/wire/board.h"
#include "core/plan/plan.h"

/* Iterations of each thread with the steps and with the plan's `new`; 0: as many as fit its part of the time. */
struct lengths {
    uint64_t calls, fresh;
};

struct worker;

struct run {
    const struct plan *plan;
    const struct program *program;    /* NULL with a native scenario */
    const struct ft_scenario *native; /* or NULL */
    struct space_maker *maker;
    struct board *board;
    int wire;
    const struct program *fresh;   /* of the plan's `new`, or NULL */
    const struct lengths *lengths; /* of a run that the driver compares with longer ones, or NULL */
    uint64_t iteration_time;       /* ns, mean of the serial pass; at least 1 */
    uint64_t pace; /* ns that an iteration of the last long round took, where threads stall; else 0 */
    bool allow_gil;
    bool setup_once;     /* the setup failed when it ran again */
    uint64_t stall_seed; /* 0: the plan's */
    bool stalls;         /* threads stall at words that they share */
    struct writer writer;
    bool mutable; /* the statements change shared Python objects, or may: their exceptions are not judged */
    bool changes; /* the serial pass saw them change */
    bool opaque;  /* an object of a package has no pickle: lone calls on fresh objects decide */
    bool lazy;    /* calls of a package change an object at its first use: likewise */
    bool indexed; /* results and exceptions may depend on the iteration or the thread */
    struct samples samples;
    uint64_t sampled, sampling; /* ns: of calls that chosen iterations were compared with; likely, of one */
    char why_mutable[160];
    bool judged;             /* a record says so */
    bool shown;              /* the serial pass ended at a failure, because the plan stops at the first */
    uint64_t base_calls;     /* of workers, before the base space was made */
    uint64_t base_iteration; /* first one of workers since then */
    uint64_t replayed;       /* most calls of a role that were made again on one thread */
    struct space base;       /* shared by all threads; unused at sharing level private */
    uint64_t worked;         /* ns that all rounds took */
    uint64_t deadline;       /* clock_now() at which to stop; 0: never */
    uint64_t hint_time;      /* ns for the hint, at the end of plan->time; 0: there is none */
    uint64_t hinted;         /* calls made when an early hint ended; 0: there was none */
    /* Sees each result, NULL where the statement raised; or NULL. On the worker's thread, attached. */
    void (*took)(struct worker *worker, unsigned step, PyObject *result);
    bool replays;             /* the iterations of each round have the same numbers */
    uint64_t round_calls;     /* iterations of each worker in this round, at most */
    bool ends_together;       /* the first worker that has made them ends the round for all */
    uint64_t first_iteration; /* of the workers that are started next */
    uint64_t trace_at;        /* iteration of this round that is stepped through, or UINT64_MAX */
    unsigned sample_every;    /* calls between two samples of overlap */
    unsigned poll_every;      /* iterations between two readings of the clock and two safe points */
    uint64_t meetings;        /* iterations of this round before which all workers meet */
    uint64_t renewal;         /* ns that new objects for the last round took */
    bool renewed;             /* the objects of this round are new */
    uint32_t generation;      /* changes when the base space is new: bind again */
    struct barrier barrier;   /* workers and the main thread */
    struct barrier lockstep;  /* workers; new in each round with meetings, which each worker leaves */
    /* What a worker does in a round, in place of its iterations; or NULL. */
    void (*work)(struct worker *worker);
    _Alignas(64) _Atomic bool over;
    _Atomic bool round_over;
    _Atomic bool damaged;
    _Atomic uint64_t reached; /* number of the next iteration of the worker that made the most, */
    _Atomic uint64_t behind;  /* and of the one that made the fewest, where chosen iterations are compared */
    _Atomic uint64_t findings;
    _Atomic uint64_t raised; /* statements that ended in an exception */
    char last_raised[256];   /* by the serial pass */
    _Atomic bool failed;     /* a worker could not prepare; its sentence is sent */
    _Atomic uint64_t busy; /* ns of processor time of an iteration in the last round, of the slowest worker */
};

/* base.c: calls of all threads since the child began. */
uint64_t run_calls_made(const struct run *run);

/* base.c: at the end of a worker's round: the number of its next iteration, those of the round, and the processor time
 * that they took. */
void run_count_round(struct run *run, uint64_t reached, uint64_t iterations, uint64_t time);

/* base.c: makes the base space again. Returns false after sending why the plan cannot go on. */
bool run_make_base(struct run *run, bool tripwire);

/* Returns false after sending that the GIL is on. */
bool run_check_gil(struct run *run, const char *when);

/* Runs the plan to its end. Returns STATUS_CLEAN, or another exit status after sending the reason. */
int run_plan(struct run *run);

/* Its first and its last part, for a run without a serial pass: makes the base space and sends the facts of the
 * environment; ends the detectors. run_begin returns false after sending the reason. */
bool run_begin(struct run *run);
void run_finish(struct run *run);

/* Limits of each role in the serial pass. */
struct serial_limits {
    uint64_t iterations, nanoseconds;
};

/* serial.c: runs each role on the main thread. Learns what statements change and raise, and how long they take. Returns
 * false after sending why nothing can be tested. */
bool run_serial(struct run *run, struct space *space, const struct serial_limits *limits);

/* counting.c: runs windows of equal calls instead of rounds, for the detectors that count. Returns an exit status. */
int run_counting(struct run *run);
/* Before the serial pass. */
void run_counting_begin(struct run *run);
/* Runs the last rounds as windows, for the detector hint. */
int run_hint(struct run *run);

/* The same between two ordinary rounds; run_hint_end counts the rounds since as its last window. */
int run_hint_early(struct run *run, struct worker *workers);
void run_hint_end(struct run *run);

/* lone.c: learns the result of each step on one thread, where results can be compared. Before the workers, after the
 * serial pass. */
void lone_learn(struct run *run);
/* Without a period: chooses iterations of the next round, and learns their results. Before the objects for the round
 * are made, and after. worked: ns of all rounds. */
void lone_choose(struct run *run, uint64_t worked, bool are_made);
/* Sends which statements have their results compared and their exceptions judged. Before the workers, and at the
 * end. */
void lone_send(struct run *run);

/* lengths.c: runs a given number of calls, then of new ones. Returns an exit status. */
int run_lengths(struct run *run);

/* raises.c: does the plan declare the class of this exception, or a base of it? Attached. */
bool run_declares(const struct run *run, PyObject *raised);

/* raises.c: is each name of the plan's `raises` an exception? Returns false after sending that one is none. */
bool run_check_raises(const struct run *run);

/* base.c: sends in one sentence why the plan cannot be run. Returns the status. */
int run_cannot(const struct run *run, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
