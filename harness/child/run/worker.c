/* See worker.h for the contract. */
#include "child/run/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/prng.h"
#include "child/crash/crash.h"
#include "detectors/common/pyversion.h"
#include "child/run/call.h"
#include "child/run/writer.h"
#include "core/plan/detector_list.h"
#include "core/wire/landmarks.h"
#include "core/wire/status.h"
#include "detectors/trace/tracing.h"
#include "detectors/memory/guard.h"
#include "detectors/watch/stall.h"
#include "detectors/watch/tripwire.h"
#include "heap/point/point.h"

/* Sends the sentence of the first worker that fails. Returns false. */
static bool fail_to_prepare(struct worker *worker, const char *sentence)
{
    if (!atomic_exchange(&worker->run->failed, true))
        run_cannot(worker->run, STATUS_UNTESTED, "%s", sentence);
    return false;
}

static bool prepare_native(struct worker *worker)
{
    const struct run *run = worker->run;
    for (unsigned i = 0; i < run->plan->ninputs; i++)
        worker->native_inputs[i] = PyDict_GetItemString(worker->space.names, run->plan->inputs[i].name);
    worker->native = (struct ft_worker){.thread_index = worker->index,
                                        .iteration_index = worker->iterations,
                                        .inputs = worker->native_inputs,
                                        .ninputs = run->plan->ninputs,
                                        .names = worker->space.names};
    worker->native_ready =
        !run->native->begin || run->native->begin(&worker->native, &worker->native_state) == 0;
    if (worker->native_ready)
        return true;
    char reason[256], error[512];
    snprintf(error, sizeof error, "scenario %s cannot begin: %s; correct the plan's inputs",
             run->native->name, space_exception_text(reason, sizeof reason));
    return fail_to_prepare(worker, error);
}

static void release_steps(struct worker *worker)
{
    if (worker->native_ready && worker->run->native->end)
        worker->run->native->end(worker->native_state);
    worker->native_ready = false;
    for (unsigned i = 0; worker->bound && i < worker->body->nsteps; i++)
        step_unbind(&worker->bound[i]);
}

static bool worker_allocate_once(struct worker *worker)
{
    const struct run *run = worker->run;
    worker->slot = &run->board->slots[worker->learn ? BOARD_MAIN : worker->index];
    if (!run->program || worker->bound)
        return true;
    unsigned role = worker->index % run->program->nbodies;
    worker->body = &run->program->bodies[role];
    worker->is_fresh = run->program == run->fresh;
    /* Where there are several bodies, each has one statement. */
    worker->statements = &statement_functions[worker->is_fresh ? STATEMENT_NEW : role];
    worker->bound = calloc(worker->body->nsteps, sizeof *worker->bound);
    return worker->bound || fail_to_prepare(worker, "memory is out; raise --memory");
}

bool worker_prepare(struct worker *worker)
{
    struct run *run = worker->run;
    char error[640];
    if (!worker_allocate_once(worker))
        return false;
    worker->is_numbered = !run->program || run->program->uses_iteration;
    worker->writes = run->writer.any;
    if (worker->generation == run->generation && worker->space.names) {
        space_check(&worker->space);
        call_prepare(worker, false);
        return true;
    }
    release_steps(worker);
    space_drop(&worker->space);
    if (space_begin(run->maker, &run->base, &worker->space, !worker->learn, worker->index, error,
                    sizeof error) < 0)
        return fail_to_prepare(worker, error);
    worker->generation = run->generation;
    call_prepare(worker, true);
    tripwire_hits();
    if (run->native)
        return prepare_native(worker);
    for (unsigned i = 0; i < worker->body->nsteps; i++)
        step_bind(&worker->bound[i], &worker->body->steps[i], worker->space.names);
    return true;
}

void worker_release(struct worker *worker)
{
    release_steps(worker);
    space_drop(&worker->space);
    free(worker->bound);
    worker->bound = NULL;
}

static void set_number(struct worker *worker)
{
    if (worker->body)
        space_set_number(worker->space.names, "iteration_index", worker->iterations);
    else
        worker->native.iteration_index = worker->iterations;
}

bool worker_iterate(struct worker *worker)
{
    unsigned nsteps = worker->body ? worker->body->nsteps : 1;
    bool whole = true;
    if (worker->is_numbered)
        set_number(worker);
    for (unsigned i = 0; whole && i < nsteps; i++) {
        atomic_store_explicit(&worker->slot->step, i, memory_order_relaxed);
        whole = call_make(worker, i);
    }
    if (worker->writes)
        writer_write(worker);
    worker->iterations++;
    return whole;
}

/* Sets run->over when the workers must stop. */
static bool check_over(struct run *run)
{
    if (atomic_load_explicit(&run->board->ask, memory_order_relaxed) ||
        (run->deadline && clock_now() >= run->deadline) ||
        (run->plan->stop_on_first &&
         (atomic_load_explicit(&run->findings, memory_order_relaxed) || guard_has_found())))
        atomic_store_explicit(&run->over, true, memory_order_relaxed);
    return atomic_load_explicit(&run->over, memory_order_relaxed);
}

/* Attached. Waits detached. */
static void meet(struct run *run)
{
    PyThreadState *state = PyEval_SaveThread();
    barrier_meet(&run->lockstep);
    PyEval_RestoreThread(state);
    point_skew();
}

/* In a child that counts, each object shows its own allocation site. */
static void begin_poll(const struct run *run)
{
    if (run->plan->detect & DETECTOR_COUNTERS)
        pyversion_stop_free_lists();
}

/* Attached. Some workers make this iteration one after another, step by step, while the others wait. Returns true for
 * such a worker. */
static bool take_turn(struct worker *worker)
{
    bool made = false;
    stall_rest(); /* no other thread runs */
    while (tracing_next(worker->index)) {
        worker_iterate(worker);
        tracing_pass();
        made = true;
    }
    stall_point();
    return made;
}

/* Attached. A damaged input ends the round, because later calls would report the same damage. */
static void work_round(struct worker *worker)
{
    struct run *run = worker->run;
    unsigned until_poll = 1;
    if (run->replays)
        worker->iterations = run->first_iteration;
    begin_poll(run);
    uint64_t began = clock_busy(), first = worker->iterations;
    const uint64_t calls = run->round_calls, meetings = run->meetings, trace_at = run->trace_at;
    stall_point();
    for (uint64_t i = 0; i < calls; i++) {
        if (i < meetings)
            meet(run);
        if (i != trace_at || !take_turn(worker))
            worker_iterate(worker);
        if (worker->done)
            atomic_store_explicit(&run->over, true, memory_order_relaxed);
        if (worker->done || atomic_load_explicit(&run->damaged, memory_order_relaxed))
            break;
        if (--until_poll > 0)
            continue;
        until_poll = run->poll_every;
        if (check_over(run) ||
            (run->ends_together && atomic_load_explicit(&run->round_over, memory_order_relaxed)))
            break;
        PyThreadState *state = PyEval_SaveThread();
        point_starve();
        PyEval_RestoreThread(state);
        begin_poll(run);
        stall_point();
    }
    atomic_store_explicit(&run->round_over, true, memory_order_relaxed);
    stall_rest();
    point_end();
    run_count_round(run, worker->iterations, worker->iterations - first, clock_busy() - began);
    tracing_leave();
    crash_set_statement(NULL);
    crash_thread_restore();
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct run *run = worker->run;
    char name[16];
    snprintf(name, sizeof name, "worker %u", worker->index);
    pthread_setname_np(pthread_self(), name);
    crash_thread_start((uint16_t)worker->index);
    atomic_store(&run->board->slots[worker->index].tid, gettid());
    if (run->stalls)
        stall_begin((uint16_t)worker->index, run->stall_seed);
    PyThreadState *state = PyThreadState_New(worker->interpreter);
    if (!state)
        _exit(run_cannot(run, STATUS_UNTESTED, "memory is out before thread %u starts; raise its limit",
                         worker->index));
    bool first = true;
    for (;;) { /* detached between rounds */
        barrier_wait(&run->barrier);
        if (atomic_load(&run->over))
            break;
        PyEval_RestoreThread(state);
        if (first)
            guard_take_arrays();
        first = false;
        bool ready = worker_prepare(worker);
        PyEval_SaveThread();
        barrier_wait(&run->barrier);
        if (ready && !atomic_load(&run->failed)) {
            point_begin(worker->index);
            PyEval_RestoreThread(state);
            (run->work ? run->work : work_round)(worker);
            PyEval_SaveThread();
        }
        if (run->meetings > 0)
            barrier_leave(&run->lockstep);
        barrier_wait(&run->barrier);
    }
    PyEval_RestoreThread(state);
    worker_release(worker);
    stall_end();
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
    crash_thread_end();
    return NULL;
}
LANDMARK_IS(worker_main);

int worker_start(struct worker *worker)
{
    return -pthread_create(&worker->thread, NULL, worker_main, worker);
}
