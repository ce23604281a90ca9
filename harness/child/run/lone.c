/* See lone.h for the contract. */
#include "child/run/lone.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "child/crash/crash.h"
#include "detectors/result/diverge.h"
#include "detectors/table/detectors.h"
#include "detectors/memory/guard.h"
#include "detectors/common/stir.h"
#include "heap/guard/guard.h"

/* Two threads learn, so that a result that depends on the thread differs. */
#define LEARNERS 2
#define CALLS_MAX 12
#define CALLS_LEAST 3
#define TIME_MAX (CLOCK_SECOND / 4)

struct lone {
    struct run *run;
    unsigned role, index; /* as a worker of this index */
    PyInterpreterState *interpreter;
    void (*take)(const struct diverge_step *at, PyObject *result);
};

/* A step that raises ends the iteration, as in a worker. */
static bool run_steps(const struct lone *lone, struct bound_step *bound, PyObject *names, uint64_t turn)
{
    const struct body *body = &lone->run->program->bodies[lone->role];
    struct board_slot *slot = &lone->run->board->slots[BOARD_MAIN];
    for (unsigned i = 0; i < body->nsteps; i++) {
        stir_memory(turn * body->nsteps + i);
        guard_context = (struct guard_context){0, BLOCK_SERIAL, (uint16_t)i};
        uint64_t calls = atomic_load_explicit(&slot->sequence, memory_order_relaxed) / 2;
        crash_set_statement(body->steps[i].source);
        board_enter(slot, calls);
        PyObject *result = step_run(&bound[i], names);
        board_leave(slot, calls);
        crash_set_statement(NULL);
        lone->take(&(struct diverge_step){lone->role, i, body->steps[i].source}, result);
        PyErr_Clear();
        if (!result)
            return false;
        Py_DECREF(result);
    }
    return true;
}

/* Attached. */
static void run_role(const struct lone *lone)
{
    const struct body *body = &lone->run->program->bodies[lone->role];
    struct bound_step *bound = calloc(body->nsteps, sizeof *bound);
    struct run *run = lone->run;
    struct space space;
    char error[640];
    if (bound && space_begin(run->maker, &run->base, &space, false, lone->index, error, sizeof error) == 0) {
        for (unsigned i = 0; i < body->nsteps; i++)
            step_bind(&bound[i], &body->steps[i], space.names);
        uint64_t until = clock_now() + TIME_MAX;
        for (uint64_t i = 0; i < CALLS_MAX && (i < CALLS_LEAST || clock_now() < until); i++)
            if (!run_steps(lone, bound, space.names, lone->index + i) || atomic_load(&run->board->ask))
                break;
        stir_end();
        for (unsigned i = 0; i < body->nsteps; i++)
            step_unbind(&bound[i]);
        space_drop(&space);
    }
    free(bound);
}

static void *lone_main(void *argument)
{
    const struct lone *lone = argument;
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

/* Do not compare statements that modify shared state or depend on the thread. */
static bool is_comparable(const struct run *run)
{
    const struct plan *plan = run->plan;
    bool has_output = false;
    for (unsigned i = 0; i < run->base.nwatched; i++)
        has_output |= run->base.watched[i].out;
    return plan->threads > 1 && !has_output && detectors_on(DETECTOR_DIVERGE) && run->program &&
           !run->mutable && !run->writer.any && !run->maker->thread_setup && !run->program->uses_iteration &&
           !run->program->uses_thread && !PyDict_GetItemString(run->base.names, "case");
}

void lone_learn(struct run *run)
{
    if (!is_comparable(run))
        return;
    /* A few more calls must take less than a fifth of the time. */
    uint64_t calls = (uint64_t)LEARNERS * CALLS_LEAST * run->program->nbodies;
    if (run->plan->time && run->iteration_time * calls >= run->plan->time / 5)
        return;
    for (unsigned role = 0; role < run->program->nbodies; role++)
        for (unsigned i = 0; i < LEARNERS; i++)
            run_alone(&(struct lone){
                .run = run, .role = role, .index = role + i * run->program->nbodies, .take = diverge_learn});
    diverge_learnt();
}

void lone_settle(struct run *run, struct detector_call *call)
{
    bool doubts = false;
    if (!run->program || !detectors_on(DETECTOR_DIVERGE))
        return;
    if (atomic_load(&run->damaged)) {
        diverge_forget();
        return;
    }
    for (unsigned role = 0; role < run->program->nbodies; role++) {
        if (!diverge_is_uncertain(role))
            continue;
        doubts = true;
        run_alone(&(struct lone){.run = run, .role = role, .index = role, .take = diverge_recall});
    }
    if (doubts)
        diverge_settle(call);
}
