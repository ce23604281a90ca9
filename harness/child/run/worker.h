/* A worker: a native thread with a Python thread state of its own that runs one body over and over.
 *
 * Contract. Started and joined by the child's main thread. It waits at barriers detached and works attached; every few
 * calls it detaches for a moment, because a stop-the-world collection in another thread waits for that.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "child/run/run.h"
#include "child/step/statement.h"
#include "detectors/common/detector.h"

struct learn;

/* Aligned to its own cache lines: each call writes it, and workers lie in one array. What each call needs comes
 * first. */
struct worker {
    _Alignas(128) struct run *run;
    struct board_slot *slot;
    const struct body *body;               /* NULL with a native scenario */
    struct bound_step *bound;              /* one for each step of the body */
    statement_function *const *statements; /* of the steps; the same one for all of a program that is_fresh */
    uint64_t iterations;                   /* done since the worker began */
    uint64_t calls;
    uint64_t sample_at; /* number of the call that samples overlap next */
    unsigned index;
    unsigned named;   /* the step that a crash would name; UINT_MAX: none */
    bool is_fresh;    /* the body is of the plan's `new` */
    bool is_seen;     /* something looks at each of its calls */
    bool is_numbered; /* its statements read iteration_index */
    bool writes;      /* it writes to its inputs between iterations */
    bool names_case;  /* the statements name the current call in a variable `case` */
    bool done;        /* a statement raised SystemExit: this thread stops */
    struct space space;
    struct detector_call call;
    struct learn *learn; /* not NULL: the serial pass */
    pthread_t thread;
    PyInterpreterState *interpreter;
    uint32_t generation;
    struct ft_worker native;
    PyObject *native_inputs[PLAN_INPUTS_MAX];
    void *native_state;
    bool native_ready;
    uint64_t compared[PLAN_STEPS_MAX]; /* results, by step */
};

/* The caller joins worker->thread. Returns 0 or -errno. */
int worker_start(struct worker *worker);

/* Gives the thread its names for the round, new ones when the base is new. Attached, on the worker's own thread (the
 * main thread in the serial pass). Returns false after sending the reason. */
bool worker_prepare(struct worker *worker);
void worker_release(struct worker *worker);

/* Runs one iteration of the body. Attached. Returns false when a statement raised what the plan does not
 * declare. */
bool worker_iterate(struct worker *worker);

/* base.c: counts whether other threads are inside a call now, and in which statements. On the worker's own thread, at
 * the end of a call. */
void worker_sample_overlap(struct worker *worker, unsigned step);
