/* See call.h for the contract. */
#include "child/run/call.h"

#include <limits.h>

#include "base/clock.h"
#include "child/crash/crash.h"
#include "child/run/learn.h"
#include "child/run/worker.h"
#include "detectors/common/pycompat.h"
#include "detectors/common/pyversion.h"
#include "detectors/table/detectors.h"
#include "detectors/trace/tracing.h"
#include "heap/guard/guard.h"
#include "heap/point/point.h"

static void renew(struct worker *worker)
{
    bool serial = worker->learn;
    struct run *run = worker->run;
    worker->call = (struct detector_call){
        .wire = run->wire,
        .worker = serial ? RECORD_MAIN : (uint16_t)worker->index,
        .serial = serial || (run->replays && run->plan->threads == 1),
        .role = run->program ? worker->index % run->program->nbodies : 0,
        .sample = DETECTOR_NO_SAMPLE,
        .watched = worker->space.watched,
        .nwatched = worker->space.nwatched,
        .mutable = (run->mutable || run->writer.any) && run->plan->share != RUNG_PRIVATE,
        .waits = run->opaque || run->lazy || run->indexed,
        .lane = run->program ? samples_lane(&run->samples, worker->index, run->program->nbodies)
                             : DETECTOR_NO_SAMPLE,
        .damaged = &run->damaged,
        .compared = worker->compared,
        .findings = &run->findings,
    };
}

void call_prepare(struct worker *worker, bool is_new)
{
    if (is_new) {
        renew(worker);
        worker->names_case =
            worker->run->program && PyDict_GetItemString(worker->space.names, "case") != NULL;
    }
    worker->is_seen = detectors_see_calls() || worker->call.serial || worker->run->took ||
                      worker->names_case || worker->run->stalls || guard_is_on() || tracing_is_on() ||
                      points_open;
    worker->named = UINT_MAX;
}

/* A statement that makes many different calls may name the current one in the variable `case`. */
static const char *current_case(const struct worker *worker, const char *source)
{
    PyObject *text = PyDict_GetItemString(worker->space.names, "case");
    return text && PyUnicode_Check(text) ? PyUnicode_AsUTF8(text) : source;
}

static void set_statement(struct worker *worker, unsigned step)
{
    worker->named = step;
    const char *source = worker->body ? worker->body->steps[step].source : worker->run->native->name;
    worker->call.statement = worker->names_case ? current_case(worker, source) : source;
    crash_set_statement(worker->call.statement);
}

static inline PyObject *call_target(struct worker *worker, unsigned step)
{
    if (worker->body)
        return worker->statements[worker->is_fresh ? 0 : step](&worker->bound[step], worker->space.names);
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): without a body there is a native step */
    return worker->run->native->step(&worker->native, worker->native_state);
}

/* The time of this does not belong to the call. */
static void learn_call(struct worker *worker, unsigned step, PyObject *result, PyObject *raised)
{
    struct learn *learn = worker->learn;
    uint64_t began = clock_now();
    bool wants = worker->body && learn_wants_again(learn, &worker->body->steps[step], result);
    for (unsigned i = 0; wants && i < LEARN_CYCLE; i++) {
        PyObject *again = call_target(worker, step);
        PyErr_Clear();
        wants = again && !learn_is_lazy(learn, result, again);
        Py_XDECREF(again);
    }
    learn_after_call(learn, &worker->call, raised);
    learn->spent += clock_now() - began;
}

static void begin(struct worker *worker, unsigned step)
{
    struct detector_call *call = &worker->call;
    guard_context = (struct guard_context){.iteration = (uint32_t)worker->iterations,
                                           .worker = call->serial ? BLOCK_SERIAL : call->worker,
                                           .step = (uint16_t)step};
    set_statement(worker, step);
    call->iteration = worker->iterations;
    call->step = step;
    call->refs = worker->body && worker->body->steps[step].target ? 2 : 1;
    call->sample = samples_find(&worker->run->samples, worker->iterations);
    detectors_before_call(call);
}

/* Returns false as call_make does. */
static __attribute__((noinline)) bool take_result(struct worker *worker, unsigned step, PyObject *result)
{
    PyObject *raised = result ? NULL : PyErr_GetRaisedException();
    bool returned = result || run_declares(worker->run, raised);
    if (returned)
        Py_CLEAR(raised);
    if (raised && PyErr_GivenExceptionMatches(raised, PyExc_SystemExit)) {
        worker->done = true;
        Py_CLEAR(raised);
    }
    if (worker->names_case) /* the statement may have assigned it and so freed the old text */
        set_statement(worker, step);
    detectors_after_call(&worker->call, result, raised);
    if (worker->run->took)
        worker->run->took(worker, step, result);
    if (worker->learn)
        learn_call(worker, step, result, raised);
    if (raised)
        atomic_fetch_add_explicit(&worker->run->raised, 1, memory_order_relaxed);
    Py_XDECREF(result);
    Py_XDECREF(raised);
    return returned;
}

/* The call alone, and what the board shows of it. */
static bool make_unseen(struct worker *worker, unsigned step)
{
    if (worker->named != step)
        set_statement(worker, step);
    board_enter(worker->slot, worker->calls);
    PyObject *result = call_target(worker, step);
    if (worker->calls >= worker->sample_at)
        worker_sample_overlap(worker, step);
    board_leave(worker->slot, worker->calls++);
    if (!result)
        return take_result(worker, step, NULL);
    Py_DECREF(result);
    return true;
}

bool call_make(struct worker *worker, unsigned step)
{
    if (!worker->is_seen)
        return make_unseen(worker, step);
    begin(worker, step);
    if (!tracing_turn) /* each step of a wait would be traced, too */
        point_open();
    board_enter(worker->slot, worker->calls);
    tracing_begin_call(worker->index);
    PyObject *result = call_target(worker, step);
    tracing_end_call();
    point_close();
    guard_context.worker = BLOCK_NOBODY;
    if (worker->calls >= worker->sample_at && !worker->call.serial && !tracing_turn)
        worker_sample_overlap(worker, step);
    board_leave(worker->slot, worker->calls++);
    return take_result(worker, step, result);
}
