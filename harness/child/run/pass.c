/* See pass.h for the contract. */
#include "child/run/pass.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "child/crash/crash.h"
#include "core/wire/status.h"
#include "detectors/common/pycompat.h"
#include "detectors/common/stir.h"
#include "detectors/memory/guard.h"
#include "detectors/result/exception.h"
#include "heap/guard/guard.h"

/* Most other roles that run between the steps of one. */
#define OTHERS_MAX 8u
/* us: a call that takes a twentieth of this on a processor is busy. */
#define WAIT_BUSY 500000

/* The names and steps of one worker. */
struct seat {
    const struct body *body;
    struct bound_step *bound;
    struct space space;
};

struct making {
    struct pass *pass;
    PyInterpreterState *interpreter;
    struct seat own, others[OTHERS_MAX]; /* if calls are interleaved: another worker of each role */
    unsigned nothers;
    PyObject *results;                 /* list: those of the iteration before are alive in each second one */
    _Atomic(const char *) calling;     /* the statement that runs, */
    _Atomic uint64_t iteration, began; /* its iteration, and clock_now() */
    bool is_inner;
};

static unsigned role_of(const struct pass *pass)
{
    return pass->lane % pass->run->program->nbodies;
}

static bool seat_begin(struct seat *seat, const struct pass *pass, unsigned role, unsigned index)
{
    char error[640];
    struct run *run = pass->run;
    seat->body = &run->program->bodies[role];
    seat->bound = calloc(seat->body->nsteps, sizeof *seat->bound);
    if (!seat->bound ||
        space_begin(run->maker, &run->base, &seat->space, false, index, error, sizeof error) < 0)
        return false;
    for (unsigned i = 0; i < seat->body->nsteps; i++)
        step_bind(&seat->bound[i], &seat->body->steps[i], seat->space.names);
    return true;
}

static void seat_end(struct seat *seat)
{
    for (unsigned i = 0; seat->space.names && i < seat->body->nsteps; i++)
        step_unbind(&seat->bound[i]);
    space_drop(&seat->space);
    free(seat->bound);
}

static void set_iteration(const struct pass *pass, struct seat *seat, uint64_t iteration)
{
    if (pass->run->program->uses_iteration)
        space_set_number(seat->space.names, "iteration_index", iteration);
}

/* Returns a new reference, or NULL with *ret_raised. */
static PyObject *call_step(const struct pass *pass, struct seat *seat, unsigned i, PyObject **ret_raised)
{
    struct board_slot *slot = &pass->run->board->slots[BOARD_MAIN];
    guard_context = (struct guard_context){.worker = BLOCK_SERIAL, .step = (uint16_t)i};
    uint64_t calls = atomic_load_explicit(&slot->sequence, memory_order_relaxed) / 2;
    crash_set_statement(seat->body->steps[i].source);
    board_enter(slot, calls);
    PyObject *result = step_run(&seat->bound[i], seat->space.names);
    board_leave(slot, calls);
    crash_set_statement(NULL);
    *ret_raised = result ? NULL : PyErr_GetRaisedException();
    return result;
}

static void stir(const struct pass *pass, struct seat *own, uint64_t turn, unsigned step)
{
    uint64_t n = (pass->index + turn) * own->body->nsteps + step;
    guard_context.is_idle = true; /* pages for thousands of blocks would take longer than the calls */
    stir_memory(n);
    stir_process(n, own->space.names, pass->again);
    guard_context.is_idle = false;
}

static bool run_step(struct making *making, unsigned i, uint64_t iteration)
{
    const struct pass *pass = making->pass;
    atomic_store(&making->iteration, iteration);
    atomic_store(&making->began, clock_now());
    atomic_store(&making->calling, making->own.body->steps[i].source);
    PyObject *raised, *result = call_step(pass, &making->own, i, &raised);
    atomic_store(&making->calling, NULL);
    const struct diverge_step at = {.role = role_of(pass),
                                    .step = i,
                                    .lane = pass->lane,
                                    .sample = samples_find(&pass->run->samples, iteration),
                                    .roles = pass->run->program->nbodies,
                                    .iteration = iteration,
                                    .statement = making->own.body->steps[i].source};
    pass->take(&at, result);
    if (making->results && result)
        PyList_Append(making->results, result);
    bool returned = result || run_declares(pass->run, raised);
    if (!returned && pass->fresh)
        exception_recall(raised);
    if (!returned && pass->run->indexed)
        exception_excuse(raised, at.statement);
    Py_XDECREF(raised);
    Py_XDECREF(result);
    return returned;
}

static uint64_t iteration_of(const struct pass *pass, uint64_t turn)
{
    uint64_t at = pass->twice ? turn / 2 : turn;
    at = pass->n ? at % pass->n : at;
    return pass->numbers ? pass->numbers[at] : pass->first + at;
}

static void run_other(const struct pass *pass, struct seat *seat, uint64_t iteration)
{
    bool goes_on = true;
    set_iteration(pass, seat, iteration);
    for (unsigned i = 0; goes_on && i < seat->body->nsteps; i++) {
        PyObject *raised, *result = call_step(pass, seat, i, &raised);
        goes_on = result || run_declares(pass->run, raised);
        Py_XDECREF(raised);
        Py_XDECREF(result);
    }
}

/* Other workers' iterations change what this one's steps share with them. */
static void run_others(struct making *making, uint64_t turn)
{
    for (unsigned i = 0; i < making->nothers; i++)
        run_other(making->pass, &making->others[i], iteration_of(making->pass, turn + 1));
}

/* A step that raises what the plan does not declare ends the iteration, as in a worker. */
static void run_iteration(struct making *making, uint64_t turn)
{
    const struct pass *pass = making->pass;
    unsigned n = making->own.body->nsteps;
    uint64_t iteration = iteration_of(pass, turn);
    set_iteration(pass, &making->own, iteration);
    bool reverse = pass->orders && turn % 2, interleaved = pass->interleaved && turn % 2;
    for (unsigned i = 0; i < (reverse ? 2 * n : n); i++) {
        if (pass->stirs && turn < PASS_CALLS) /* it is slow */
            stir(pass, &making->own, turn, i);
        if (interleaved)
            run_others(making, turn);
        if (!run_step(making, reverse ? n - 1 - i / 2 : i, iteration))
            return;
    }
}

/* Results of other calls are alive under threads, and something in them may count or number them. */
static void make_iteration(struct making *making, uint64_t turn)
{
    if (making->pass->stirs && turn % 2 == 0)
        making->results = PyList_New(0);
    run_iteration(making, turn);
    if (turn % 2)
        Py_CLEAR(making->results);
    PyErr_Clear();
}

/* A worker of this role; of the pass's own role another one than its own, if there is one among the lanes. */
static unsigned find_other(const struct pass *pass, unsigned role)
{
    const struct samples *samples = &pass->run->samples;
    unsigned roles = pass->run->program->nbodies;
    if (role != role_of(pass) || !samples->by_thread)
        return role;
    return pass->lane + roles < samples->lanes ? pass->lane + roles : role;
}

/* With one step in each iteration of a role, none of its own workers can come between two steps. */
static bool begin_others(struct making *making)
{
    const struct pass *pass = making->pass;
    const struct program *program = pass->run->program;
    bool begun = true;
    for (unsigned role = 0; pass->interleaved && begun && role < program->nbodies; role++) {
        if ((role == role_of(pass) && program->bodies[role].nsteps < 2) || making->nothers == OTHERS_MAX)
            continue;
        begun = seat_begin(&making->others[making->nothers], pass, role, find_other(pass, role));
        making->nothers++;
    }
    return begun;
}

/* Attached. */
static void run_iterations(struct making *making)
{
    struct pass *pass = making->pass;
    if (seat_begin(&making->own, pass, role_of(pass), pass->index) && begin_others(making)) {
        uint64_t began = clock_now(), until = began + pass->time, turn = 0;
        for (; turn < pass->calls && (turn < PASS_LEAST || clock_now() < until) &&
               !atomic_load(&pass->run->board->ask);
             turn++)
            make_iteration(making, turn);
        pass->made = turn;
        pass->took = clock_now() - began;
        Py_CLEAR(making->results);
        stir_end();
    }
    seat_end(&making->own);
    for (unsigned i = 0; i < making->nothers; i++)
        seat_end(&making->others[i]);
}

static void *pass_main(void *argument)
{
    struct making *making = argument;
    if (making->is_inner) {
        pthread_t thread;
        making->is_inner = false;
        if (pthread_create(&thread, NULL, pass_main, making) == 0)
            pthread_join(thread, NULL);
        return NULL;
    }
    crash_thread_start((uint16_t)making->pass->index);
    PyThreadState *state = PyThreadState_New(making->interpreter);
    PyEval_RestoreThread(state);
    guard_take_arrays();
    run_iterations(making);
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
    crash_thread_end();
    return NULL;
}

/* Before the workers run, a busy call that the driver does not wait for any longer is no hang of threads. Ends the
 * process with the sentence. */
static void give_up(const struct making *making)
{
    const struct run *run = making->pass->run;
    uint64_t used = clock_read(CLOCK_PROCESS_CPUTIME_ID), began = atomic_load(&making->began);
    const char *calling = atomic_load(&making->calling);
    if (!calling || atomic_load(&run->board->phase) > BOARD_SERIAL || clock_now() < began + run->plan->time)
        return;
    usleep(WAIT_BUSY);
    if (calling != atomic_load(&making->calling) || began != atomic_load(&making->began) ||
        clock_read(CLOCK_PROCESS_CPUTIME_ID) - used < WAIT_BUSY * UINT64_C(1000) / 20)
        return;
    size_t line = strcspn(calling, "\n");
    run_cannot(
        run, STATUS_UNTESTED,
        "%.*s%s did not return within %.0f s on one thread, with thread_index = %u and iteration_index = "
        "%llu; give it more --time, or leave such calls out",
        (int)line, calling, calling[line] ? " …" : "", clock_seconds(clock_now() - began),
        making->pass->index, (unsigned long long)atomic_load(&making->iteration));
    _exit(STATUS_UNTESTED);
}

/* Detached. */
static void wait_for(struct making *making, pthread_t thread)
{
    struct timespec until;
    do {
        if (atomic_load(&making->pass->run->board->ask))
            give_up(making);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
    } while (pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT);
}

/* Two threads one after the other get the same identifier: each second one starts inside another thread. */
void pass_run(struct pass *pass)
{
    static bool is_second;
    is_second = !is_second;
    struct making making = {.pass = pass, .interpreter = PyInterpreterState_Get(), .is_inner = is_second};
    pass->made = 0;
    PyThreadState *state = PyEval_SaveThread();
    pthread_t thread;
    if (pthread_create(&thread, NULL, pass_main, &making) == 0)
        wait_for(&making, thread);
    PyEval_RestoreThread(state);
}
