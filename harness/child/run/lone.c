/* See lone.h for the contract. */
#include "child/run/lone.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "child/crash/crash.h"
#include "detectors/result/diverge.h"
#include "detectors/result/exception.h"
#include "detectors/table/detectors.h"
#include "detectors/memory/guard.h"
#include "detectors/common/pycompat.h"
#include "detectors/common/stir.h"
#include "heap/guard/guard.h"

/* Two threads learn, so that a result that depends on the thread differs. */
#define LEARNERS 2
#define CALLS_MAX 12
#define CALLS_LEAST 3
#define TIME_MAX (CLOCK_SECOND / 4)

/* On fresh objects either role begins twice, because one may change an object for the other. */
#define PASSES_FRESH 4
/* Most time for the calls of a round on one thread. */
#define REPLAY_TIME (3 * CLOCK_SECOND)

struct lone {
    struct run *run;
    unsigned role, index; /* as a worker of this index */
    PyInterpreterState *interpreter;
    void (*take)(const struct diverge_step *at, PyObject *result);
    uint64_t calls, time; /* at most; ns */
    bool fresh;           /* the inputs are not damaged: what a call raises is no finding */
    bool orders;          /* each second iteration makes each call twice, in reverse order */
    bool complete;        /* all calls were made */
};

static bool run_step(const struct lone *lone, struct bound_step *bound, PyObject *names, unsigned i)
{
    const struct body *body = &lone->run->program->bodies[lone->role];
    struct board_slot *slot = &lone->run->board->slots[BOARD_MAIN];
    guard_context = (struct guard_context){0, BLOCK_SERIAL, (uint16_t)i};
    uint64_t calls = atomic_load_explicit(&slot->sequence, memory_order_relaxed) / 2;
    crash_set_statement(body->steps[i].source);
    board_enter(slot, calls);
    PyObject *result = step_run(&bound[i], names);
    board_leave(slot, calls);
    crash_set_statement(NULL);
    lone->take(&(struct diverge_step){lone->role, i, body->steps[i].source}, result);
    PyObject *raised = PyErr_GetRaisedException();
    bool returned = result || run_declares(lone->run, raised);
    if (!returned && lone->fresh)
        exception_recall(raised);
    Py_XDECREF(raised);
    Py_XDECREF(result);
    return returned;
}

/* A step that raises what the plan does not declare ends the iteration, as in a worker. */
static void run_steps(const struct lone *lone, struct bound_step *bound, PyObject *names, uint64_t turn)
{
    unsigned n = lone->run->program->bodies[lone->role].nsteps;
    if (lone->run->program->uses_iteration)
        space_set_number(names, "iteration_index", turn);
    bool reverse = lone->orders && turn % 2;
    for (unsigned i = 0; i < (reverse ? 2 * n : n); i++) {
        if (turn < CALLS_MAX) /* it is slow */
            stir_memory((lone->index + turn) * n + i);
        if (!run_step(lone, bound, names, reverse ? n - 1 - i / 2 : i))
            return;
    }
}

/* Attached. */
static void run_role(struct lone *lone)
{
    const struct body *body = &lone->run->program->bodies[lone->role];
    struct bound_step *bound = calloc(body->nsteps, sizeof *bound);
    struct run *run = lone->run;
    struct space space;
    char error[640];
    if (bound && space_begin(run->maker, &run->base, &space, false, lone->index, error, sizeof error) == 0) {
        for (unsigned i = 0; i < body->nsteps; i++)
            step_bind(&bound[i], &body->steps[i], space.names);
        uint64_t until = clock_now() + lone->time, i = 0;
        for (; i < lone->calls && (i < CALLS_LEAST || clock_now() < until) && !atomic_load(&run->board->ask);
             i++)
            run_steps(lone, bound, space.names, i);
        lone->complete = i == lone->calls;
        stir_end();
        for (unsigned k = 0; k < body->nsteps; k++)
            step_unbind(&bound[k]);
        space_drop(&space);
    }
    free(bound);
}

static void *lone_main(void *argument)
{
    struct lone *lone = argument;
    crash_thread_start((uint16_t)lone->index);
    PyThreadState *state = PyThreadState_New(lone->interpreter);
    PyEval_RestoreThread(state);
    guard_take_arrays();
    run_role(lone);
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
    crash_thread_end();
    return NULL;
}

/* If the thread cannot be started, too few results are learnt, and they are not compared. */
static void run_alone(struct lone *lone)
{
    pthread_t thread;
    lone->interpreter = PyInterpreterState_Get();
    PyThreadState *state = PyEval_SaveThread();
    if (pthread_create(&thread, NULL, lone_main, lone) == 0)
        pthread_join(thread, NULL);
    PyEval_RestoreThread(state);
}

static bool has_output(const struct run *run)
{
    bool has = false;
    for (unsigned i = 0; i < run->base.nwatched; i++)
        has |= run->base.watched[i].out;
    return has;
}

/* Returns why no results can be compared, or NULL. */
static const char *why_not(const struct run *run)
{
    const struct program *program = run->program;
    /* A few more calls must take less than a fifth of the time. */
    uint64_t calls = (uint64_t)LEARNERS * CALLS_LEAST * program->nbodies;
    if (run->mutable)
        return run->why_mutable;
    if (has_output(run))
        return "an input is declared @out";
    if (run->writer.any)
        return "threads write to the inputs at this sharing level";
    if (run->maker->thread_setup)
        return "--thread-setup may give each thread other values";
    if (program->uses_iteration)
        return "the statements use iteration_index";
    if (program->uses_thread)
        return "the statements use thread_index";
    if (PyDict_GetItemString(run->base.names, "case"))
        return "the statement makes many different calls";
    if (run->plan->time && run->iteration_time * calls >= run->plan->time / 5)
        return "a few calls on one thread take too long; give it more --time";
    return NULL;
}

/* Without two agreeing passes an opaque object counts as one that the statements change. */
static bool all_agree(const struct run *run)
{
    const char *why;
    for (unsigned role = 0; role < run->program->nbodies; role++)
        for (unsigned i = 0; i < run->program->bodies[role].nsteps; i++)
            if (diverge_looks(role, i, &why) != LOOKED_YES)
                return false;
    return true;
}

static bool needs_fresh(const struct run *run)
{
    return run->opaque || run->lazy;
}

static void learn_results(struct run *run)
{
    unsigned n = run->program->nbodies;
    for (unsigned pass = 0; pass < (needs_fresh(run) ? PASSES_FRESH : LEARNERS); pass++) {
        /* The first use of an object may differ from the later ones. */
        if (needs_fresh(run) && (!run_make_base(run, false) || run->setup_once))
            return;
        for (unsigned i = 0; i < n; i++) {
            unsigned role = pass % 2 ? n - 1 - i : i;
            run_alone(&(struct lone){.run = run,
                                     .role = role,
                                     .index = role + pass * n,
                                     .take = diverge_learn,
                                     .fresh = true,
                                     .calls = CALLS_MAX,
                                     .time = TIME_MAX,
                                     .orders = needs_fresh(run)});
        }
    }
    diverge_learnt();
}

void lone_learn(struct run *run)
{
    bool alone = run->plan->threads == 1 && !(run->plan->detect & DETECTOR_COUNTERS);
    if (!run->program || alone)
        return;
    bool learns =
        run->plan->threads > 1 && !why_not(run) && (detectors_on(DETECTOR_DIVERGE) || needs_fresh(run));
    if (learns)
        learn_results(run);
    if (learns ? all_agree(run) || !needs_fresh(run) : !run->opaque)
        return;
    run->mutable = true;
    space_loosen(run->maker, &run->base);
}

/* Makes as many calls as the workers did, on fresh objects: an object may fill up unseen. */
static void replay(struct run *run)
{
    const struct program *program = run->program;
    const struct body *last = &program->bodies[program->nbodies - 1];
    uint64_t calls = (run_calls_made(run) - run->base_calls) / (last->first + last->nsteps) + CALLS_LEAST;
    bool complete = run_make_base(run, run->maker->tripwire) && !run->setup_once;
    if (calls / 2 <= run->replayed)
        calls = CALLS_MAX;
    for (unsigned role = 0; complete && role < program->nbodies; role++) {
        struct lone lone = {.run = run,
                            .role = role,
                            .index = role,
                            .take = diverge_recall,
                            .fresh = true,
                            .calls = calls,
                            .time = REPLAY_TIME};
        run_alone(&lone);
        complete = lone.complete;
    }
    if (!complete) {
        run->mutable = true;
        space_loosen(run->maker, &run->base);
    }
    run->replayed = calls > run->replayed ? calls : run->replayed;
}

void lone_settle(struct run *run, struct detector_call *call)
{
    bool doubts = false, damaged = atomic_load(&run->damaged);
    if (!run->program)
        return;
    if (damaged)
        diverge_forget();
    for (unsigned role = 0; role < run->program->nbodies; role++) {
        if (!diverge_is_uncertain(role))
            continue;
        doubts = true;
        if (!needs_fresh(run))
            run_alone(&(struct lone){.run = run,
                                     .role = role,
                                     .index = role,
                                     .take = diverge_recall,
                                     .calls = CALLS_MAX,
                                     .time = TIME_MAX});
    }
    if (needs_fresh(run) && !run->mutable && (doubts || exception_is_held()))
        replay(run);
    if (needs_fresh(run) && run->mutable)
        diverge_forget();
    exception_settle(call, run->mutable);
    if (doubts)
        diverge_settle(call);
}

/* A statement that was judged until an object turned out to be changed overrules other children. */
static void send_step(const struct run *run, unsigned role, unsigned i, bool ended)
{
    const struct step *step = &run->program->bodies[role].steps[i];
    const char *why = why_not(run),
               *muted = run->plan->share == RUNG_PRIVATE || !run->mutable ? "" : run->why_mutable;
    enum looked results = ended ? LOOKED_ENDED : LOOKED_NOT, exceptions = *muted ? results : LOOKED_YES;
    if (!detectors_on(DETECTOR_DIVERGE)) {
        results = LOOKED_OFF;
        why = "no child with the detector diverge ran";
    } else if (!why && !step->has_result)
        why = "it has no result";
    else if (!why)
        results = diverge_looks(role, i, &why);
    if (!detectors_on(DETECTOR_EXCEPTION)) {
        exceptions = LOOKED_OFF;
        muted = "no child with the detector exception ran";
    }
    RECORD_SEND(run->wire, RECORD_COMPARED,
                .values = {[COMPARED_RESULTS] = results, [COMPARED_EXCEPTIONS] = exceptions},
                .texts = {step->source, results == LOOKED_YES ? "" : why, muted});
}

void lone_send(struct run *run)
{
    bool ended = run->judged && run->mutable;
    run->judged = !run->mutable;
    if (run->plan->threads < 2 || run->plan->detect & DETECTOR_COUNTERS || run->lengths || !run->program)
        return;
    for (unsigned role = 0; role < run->program->nbodies; role++)
        for (unsigned i = 0; i < run->program->bodies[role].nsteps && !run->program->bodies[role].is_idle;
             i++)
            send_step(run, role, i, ended);
}
