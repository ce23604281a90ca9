/* A run of one plan: serial pass, then rounds of workers, with a barrier before and after each.
 *
 * Contract. run_plan runs on the child's main thread, attached; it makes the workers, and prepares and checks the
 * inputs between rounds while they all wait. `over`, `round_over` and `damaged` are only ever set by workers and
 * cleared by the main thread between rounds; a worker sees them at its next poll, some calls later at most.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <ftstress/scenario.h>

#include "child/run/barrier.h"
#include "child/space/space.h"
#include "child/step/step.h"
#include "child/run/writer.h"
#include "core/wire/board.h"
#include "core/plan/plan.h"

/* Iterations of each thread in the arms of a run of one length; 0: as many as its part of the time has room for. */
struct lengths {
    uint64_t calls, fresh;
};

struct run {
    const struct plan *plan;
    const struct program *program;    /* NULL with a native scenario */
    const struct ft_scenario *native; /* or NULL */
    struct space_maker *maker;
    struct board *board;
    int wire;
    const struct program *fresh;   /* of the plan's `new`, or NULL */
    const struct lengths *lengths; /* of a run that is compared with longer ones, or NULL */
    uint64_t iteration_time;       /* ns, mean of the serial pass; at least 1 */
    bool allow_gil;
    bool setup_once; /* the setup failed when it was run again */
    struct writer writer;
    bool mutable;             /* the statements change shared Python objects, as far as can be told */
    bool changes;             /* they were seen to */
    struct space base;        /* what all share; unused at rung private */
    uint64_t worked;          /* ns that the rounds took in all */
    uint64_t deadline;        /* clock_now() at which to stop; 0: never */
    uint64_t round_calls;     /* iterations of each worker in this round */
    uint64_t first_iteration; /* of the workers that are started next */
    unsigned sample_every;    /* calls between two looks at who else is inside */
    unsigned poll_every;      /* iterations between two looks at the clock and two safe points */
    uint32_t generation;      /* changes when the base space is new: bind again */
    struct barrier barrier;   /* workers and the main thread */
    _Alignas(64) _Atomic bool over;
    _Atomic bool damaged;
    _Atomic uint64_t findings;
    _Atomic uint64_t raised; /* statements that ended in an exception */
    char last_raised[256];   /* by the serial pass */
    _Atomic bool failed;     /* a thread setup failed: its sentence is on the wire */
};

struct worker;

/* What the serial pass needs to know about its length. */
struct serial_limits {
    uint64_t iterations, nanoseconds;
};

/* Runs it all. Returns an exit status: STATUS_CLEAN when it came to its end, STATUS_UNTESTED when it said why it could
 * not run. */
int run_plan(struct run *run);

/* run_serial.c: the reference pass on the main thread. Learns what statements change and raise, and how long they take.
 * Returns false when it said why nothing can be tested. */
bool run_serial(struct run *run, struct space *space, const struct serial_limits *limits);

/* Starts workers, lets `lead` run the rounds, and ends them. Returns an exit status. */
int run_workers(struct run *run, int (*lead)(struct run *run, struct worker *workers));
/* One round of round_calls iterations: detached until all have come back. */
void run_round(struct run *run);

/* counting.c: windows of equal calls instead of rounds, for the detectors that count. */
int run_counting(struct run *run);
/* Before the serial pass. */
void run_counting_begin(struct run *run);
/* Calls what is new once, so that a mistake in it is said. Returns an exit status. */
int run_try_fresh(struct run *run);
/* Runs the compiled release step; code NULL: it could not be compiled. Returns false after saying what it raises. */
bool run_release(struct run *run, PyObject *code);
/* By all threads, since the child began. */
uint64_t run_calls_made(const struct run *run);

/* lengths.c: so many calls, then so many new ones, for a tool that looks when all is over. Returns an exit status. */
int run_lengths(struct run *run);

/* cannot.c: reports in one sentence why the plan cannot be run. */
void run_cannot(const struct run *run, int status, const char *sentence);
/* The same, where the reason is that the GIL is on. */
void run_cannot_gil(const struct run *run, const char *sentence);
