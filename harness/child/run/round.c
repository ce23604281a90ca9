/* See round.h for the contract. */
#include "child/run/round.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "child/run/collector.h"
#include "child/run/worker.h"
#include "core/plan/perturb.h"
#include "core/wire/status.h"
#include "detectors/common/pycompat.h"
#include "detectors/result/diverge.h"
#include "detectors/trace/tracing.h"
#include "detectors/watch/stall.h"
#include "detectors/watch/turn.h"
#include "heap/guard/checker.h"

void run_round(struct run *run)
{
    PyThreadState *state = PyEval_SaveThread();
    atomic_store(&run->round_over, false);
    barrier_wait(&run->barrier); /* the workers prepare, */
    barrier_wait(&run->barrier); /* start together, */
    barrier_wait(&run->barrier); /* and come back */
    PyEval_RestoreThread(state);
}

struct detector_call run_main_call(struct run *run)
{
    return (struct detector_call){.wire = run->wire,
                                  .worker = RECORD_MAIN,
                                  .statement = "",
                                  .mutable = run->mutable || run->writer.any,
                                  .damaged = &run->damaged,
                                  .findings = &run->findings};
}

bool run_release(struct run *run)
{
    char reason[256];
    if (!run->maker->release || space_run(run->maker->release, run->base.names))
        return true;
    run_cannot(run, STATUS_UNTESTED, "the release step raises %s; correct it",
               space_exception_text(reason, sizeof reason));
    return false;
}

int run_try_fresh(struct run *run)
{
    char error[640];
    struct space space;
    if (space_share(&run->base, &space) < 0)
        return STATUS_HARNESS;
    bool ready = space_thread_setup(run->maker, &space, 0, error, sizeof error) == 0;
    bool good = ready && space_run(run->fresh->bodies[0].steps[0].code, space.names);
    PyObject *raised = ready && !good ? PyErr_GetRaisedException() : NULL;
    good |= raised && run_declares(run, raised);
    if (good)
        Py_CLEAR(raised);
    else if (raised)
        PyErr_SetRaisedException(raised);
    if (!ready)
        run_cannot(run, STATUS_UNTESTED, "%s", error);
    else if (!good)
        run_cannot(run, STATUS_UNTESTED, "the statements of `new` raise %s; correct them",
                   space_exception_text(error, sizeof error));
    space_drop(&space);
    return good ? STATUS_CLEAN : STATUS_UNTESTED;
}

static void stop_workers(struct run *run, struct worker *workers, unsigned n)
{
    atomic_store(&run->over, true);
    PyThreadState *state = PyEval_SaveThread();
    barrier_wait(&run->barrier);
    for (unsigned i = 0; i < n; i++)
        pthread_join(workers[i].thread, NULL);
    PyEval_RestoreThread(state);
    for (unsigned i = 0; i < n * PLAN_STEPS_MAX; i++) {
        const struct worker *worker = &workers[i / PLAN_STEPS_MAX];
        diverge_count(worker->call.role, i % PLAN_STEPS_MAX, worker->compared[i % PLAN_STEPS_MAX]);
    }
}

static void fail_to_start(const struct run *run, unsigned started, unsigned wanted)
{
    run_cannot(run, STATUS_UNTESTED,
               "only %u of %u threads could be started; ask for fewer with -t, or raise the limit on threads",
               started, wanted);
    _exit(STATUS_UNTESTED);
}

static void start_worker(struct run *run, struct worker *worker, unsigned index)
{
    *worker = (struct worker){.run = run,
                              .index = index,
                              .calls = atomic_load(&run->board->slots[index].sequence) / 2,
                              .iterations = run->first_iteration,
                              .interpreter = PyInterpreterState_Get(),
                              .generation = run->generation - 1};
    if (worker_start(worker) < 0)
        fail_to_start(run, index, run->plan->threads);
}

/* Where no watchpoint can be set, the detector watch says so, or else this. */
static void start_stalls(struct run *run)
{
    run->stalls = false;
    if (!(run->plan->perturb & PERTURB_STALL) || run->plan->detect & DETECTOR_COUNTERS)
        return;
    run->stalls = watchpoint_try() == 0;
    if (!run->stalls && !(run->plan->detect & DETECTOR_BIT(DETECTOR_WATCH)))
        RECORD_SEND(
            run->wire, RECORD_NOTE,
            .texts = {"no hardware watchpoint can be set, so threads are not stalled at shared words"});
    if (!run->stalls)
        return;
    run->stall_seed = run->stall_seed ? run->stall_seed : plan_perturb_seed(run->plan);
    turn_start(run->stall_seed);
    stall_log_start();
    if (!(run->plan->perturb & PERTURB_FIRST)) /* its zygote has traced for all processes */
        tracing_start();
}

int run_workers(struct run *run, int (*lead)(struct run *run, struct worker *workers))
{
    unsigned n = run->plan->threads;
    struct worker *workers = aligned_alloc(_Alignof(struct worker), n * sizeof *workers);
    if (!workers)
        return run_cannot(run, STATUS_UNTESTED, "memory is out for the threads; raise its limit");
    uint64_t unset = 0;
    atomic_compare_exchange_strong(&run->board->run_began, &unset, clock_now());
    atomic_store(&run->board->phase, BOARD_RUN);
    atomic_store(&run->board->checker, checker_tid());
    /* CPython makes many objects immortal when the first thread state beside the main one is made. It expects the
     * starting thread to make that state, but a worker makes its own. */
    PyThreadState *state = PyThreadState_New(PyInterpreterState_Get());
    if (!state) {
        free(workers);
        return run_cannot(run, STATUS_UNTESTED, "memory is out before the threads start; raise its limit");
    }
    PyThreadState_Clear(state);
    PyThreadState_Delete(state);
    bool collects = run->plan->perturb & PERTURB_COLLECT && !(run->plan->detect & DETECTOR_COUNTERS);
    struct collector collector;
    barrier_init(&run->barrier, n + 1 + collects);
    start_stalls(run);
    for (unsigned i = 0; i < n; i++)
        start_worker(run, &workers[i], i);
    if (collects && collector_start(&collector, run) < 0)
        fail_to_start(run, n, n + 1);
    uint64_t began = clock_now();
    int status = lead(run, workers);
    run->worked += clock_now() - began;
    stop_workers(run, workers, n);
    if (collects) {
        state = PyEval_SaveThread();
        pthread_join(collector.thread, NULL);
        PyEval_RestoreThread(state);
    }
    free(workers);
    return status;
}

int run_arm(struct run *run, enum counted_arm arm, int (*lead)(struct run *run, struct worker *workers))
{
    const struct program *steps = run->program;
    atomic_store(&run->over, false);
    if (arm != COUNTED_CALLS)
        run->program = run->fresh;
    int status = run_workers(run, lead);
    run->program = steps;
    return status;
}

void run_send_calls(const struct run *run, enum counted_arm arm, const int64_t *calls, unsigned n)
{
    struct record_content content = {.values = {[ARM_ARM] = arm, [ARM_NPOINTS] = n}};
    memcpy(&content.values[ARM_POINTS], calls, n * sizeof *calls);
    record_send_content(run->wire, RECORD_ARM, &content);
}
