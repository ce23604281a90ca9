/* See roles.h for the contract. */
#include "child/outcome/roles.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "child/crash/crash.h"
#include "child/step/statement.h"
#include "core/wire/status.h"
#include "detectors/common/pycompat.h"
#include "detectors/watch/stall.h"
#include "detectors/watch/turn.h"
#include "heap/guard/guard.h"
#include "heap/point/point.h"

/* A statement in turn that takes longer waits for another role; the driver would call it a hang soon. */
#define TURN_TIME (2 * CLOCK_SECOND)
#define AWAKE_SPINS 1500
#define ATTACHED_SPINS 50
#define TURN_SPINS 2000
#define TURN_PAUSE 50 /* us */

struct stage role_stage;

static const struct body *body_of(const struct worker *worker)
{
    return worker->body;
}

static void clear_set(struct role *role, const struct body *body, unsigned set)
{
    struct role_result *result = &role->results[set];
    for (unsigned i = 0; i < body->nsteps; i++)
        step_unbind(&role->bound[set * body->nsteps + i]);
    for (unsigned i = 0; i < result->n; i++)
        Py_CLEAR(result->values[i]);
    Py_CLEAR(result->raised);
    Py_CLEAR(role->names[set]);
    result->n = 0;
}

static void clear_sets(struct role *role, const struct body *body)
{
    for (unsigned set = 0; set < role->nsets; set++)
        clear_set(role, body, set);
    role->nsets = 0;
}

static bool bind_set(const struct worker *worker, struct role *role, unsigned set)
{
    struct run *run = worker->run;
    const struct body *body = body_of(worker);
    char error[640] = "memory is out; raise --memory";
    struct space space = {.names = PyDict_Copy(role_stage.sets[set])};
    bool own = run->maker->thread_setup || run->program->uses_thread || run->program->uses_iteration;
    role->names[set] = space.names;
    role->results[set] = (struct role_result){0};
    if (!space.names ||
        (own && space_thread_setup(run->maker, &space, worker->index, error, sizeof error) < 0)) {
        if (!atomic_exchange(&run->failed, true))
            run_cannot(run, STATUS_UNTESTED, "%s", error);
        return false;
    }
    for (unsigned i = 0; i < body->nsteps; i++)
        step_bind(&role->bound[set * body->nsteps + i], &body->steps[i], space.names);
    return true;
}

/* Holds all sets, so that nothing is left to do between the release and the first call. */
static void take_sets(const struct worker *worker, struct role *role)
{
    const struct body *body = body_of(worker);
    clear_sets(role, body);
    while (role->nsets < role_stage.nsets && bind_set(worker, role, role->nsets))
        role->nsets++;
}

/* Runs the next statement of the role over this set. Returns false after its last one. */
static bool run_step(struct worker *worker, struct role *role, unsigned set, struct board_slot *slot,
                     uint64_t *calls)
{
    const struct body *body = body_of(worker);
    struct role_result *to = &role->results[set];
    if (to->raised || to->n == body->nsteps || set >= role->nsets)
        return false;
    unsigned step = to->n;
    bool meets = slot == worker->slot;
    guard_context = (struct guard_context){.iteration = (uint32_t)set,
                                           .worker = meets ? (uint16_t)worker->index : BLOCK_SERIAL,
                                           .step = (uint16_t)step};
    crash_set_statement(body->steps[step].source);
    atomic_store_explicit(&slot->step, step, memory_order_relaxed);
    board_enter(slot, *calls);
    if (meets)
        point_open();
    to->values[step] =
        statement_functions[body->first + step](&role->bound[set * body->nsteps + step], role->names[set]);
    if (meets)
        point_close();
    guard_context.worker = BLOCK_NOBODY;
    if (meets) {
        bool inside = board_others_inside(worker->run->board, role_stage.nroles, worker->index);
        atomic_fetch_add_explicit(&slot->sampled, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&slot->overlapped, inside, memory_order_relaxed);
    }
    board_leave(slot, (*calls)++);
    if (to->values[step])
        to->n++;
    else
        to->raised = PyErr_GetRaisedException();
    return !to->raised && to->n < body->nsteps;
}

/* Half of the roles wait for a moment: short ones more often, because windows are narrow. */
static void delay_call(struct role *role)
{
    uint64_t dice = prng_next(&role->prng);
    if (dice & 1 || role_stage.delay == 0)
        return;
    uint64_t most = role_stage.delay >> (2 * (dice >> 1 & 3)), until = clock_now() + (dice >> 8) % (most + 1);
    while (clock_now() < until)
        __builtin_ia32_pause();
}

/* Waits a moment until as many roles as there are cores have come this far in this set. */
static void come_together(_Atomic uint32_t *come, unsigned set, unsigned spins)
{
    uint32_t cores = role_stage.meet.cores, most = role_stage.nroles < cores ? role_stage.nroles : cores;
    uint32_t wanted = role_stage.nroles * set + most;
    atomic_fetch_add_explicit(come, 1, memory_order_relaxed);
    for (unsigned i = 0; i < spins; i++) {
        if (atomic_load_explicit(come, memory_order_relaxed) >= wanted)
            return;
        __builtin_ia32_pause();
    }
}

/* Meets the other roles before each set. */
static void meet_over_sets(struct worker *worker, struct role *role)
{
    point_begin(worker->index);
    for (unsigned set = 0; set < role_stage.nsets; set++) {
        turn_own = (struct turn_word){role_stage.words[set], sizeof(uint64_t)};
        stall_point();
        PyThreadState *state = PyEval_SaveThread();
        barrier_wait(&role_stage.meet);
        come_together(&role_stage.awake, set, AWAKE_SPINS); /* a role that slept needs a core first */
        PyEval_RestoreThread(state);
        come_together(&role_stage.attached, set, ATTACHED_SPINS);
        delay_call(role);
        while (run_step(worker, role, set, worker->slot, &worker->calls)) {
        }
        crash_set_statement(NULL);
    }
    stall_rest();
}

static uint32_t wait_for_turn(uint32_t seen)
{
    uint32_t turn = seen;
    PyThreadState *state = PyEval_SaveThread();
    for (unsigned i = 0; turn == seen; i++) {
        if (i > TURN_SPINS)
            usleep(TURN_PAUSE);
        else
            __builtin_ia32_pause();
        turn = atomic_load_explicit(&role_stage.turn, memory_order_acquire);
    }
    PyEval_RestoreThread(state);
    return turn;
}

/* Runs a statement where it is this role's turn. Calls in turn are serial ones. */
static void take_turns(struct worker *worker, struct role *role)
{
    struct board_slot *slot = &worker->run->board->slots[BOARD_MAIN];
    uint32_t turn = atomic_load_explicit(&role_stage.turn, memory_order_acquire);
    while (turn < role_stage.nturns) {
        if (role_stage.turns[turn].role != worker->index) {
            turn = wait_for_turn(turn);
            continue;
        }
        uint64_t calls = atomic_load_explicit(&slot->sequence, memory_order_relaxed) / 2, began = clock_now();
        run_step(worker, role, role_stage.turns[turn].set, slot, &calls);
        uint64_t took = clock_now() - began;
        role->time = role->time && role->time < took ? role->time : took;
        crash_set_statement(NULL);
        atomic_store_explicit(&role_stage.turn, ++turn, memory_order_release);
    }
}

static void come_to(struct barrier *barrier)
{
    PyThreadState *state = PyEval_SaveThread();
    barrier_wait(barrier);
    PyEval_RestoreThread(state);
}

/* Gives each role a core of its own, where there are enough: two roles on one core never meet. */
static void take_core(unsigned index)
{
    cpu_set_t all, own;
    CPU_ZERO(&own);
    if (sched_getaffinity(0, sizeof all, &all) < 0 || (unsigned)CPU_COUNT(&all) < role_stage.nroles)
        return;
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &all) && index-- == 0) {
            CPU_SET(core, &own);
            sched_setaffinity(0, sizeof own, &own);
            return;
        }
}

void role_work(struct worker *worker)
{
    struct role *role = &role_stage.roles[worker->index];
    role->bound = calloc((size_t)SETS_MAX * body_of(worker)->nsteps, sizeof *role->bound);
    role->prng = prng_stream(worker->run->plan->seed, worker->index);
    role->nsets = 0;
    take_core(worker->index);
    for (;;) {
        come_to(&role_stage.all);
        if (role_stage.task == TASK_END)
            break;
        take_sets(worker, role);
        if (role_stage.task == TASK_MEET)
            meet_over_sets(worker, role);
        else
            take_turns(worker, role);
        crash_thread_restore();
        come_to(&role_stage.all);
    }
    clear_sets(role, body_of(worker));
    free(role->bound);
}

/* Detached. Returns false where one turn takes too long. */
static bool watch_turns(void)
{
    uint32_t seen = UINT32_MAX;
    uint64_t since = clock_now();
    while (!barrier_lacks(&role_stage.all, 1)) {
        uint32_t turn = atomic_load_explicit(&role_stage.turn, memory_order_relaxed);
        uint64_t now = clock_now();
        if (turn != seen)
            since = now;
        seen = turn;
        if (now - since > TURN_TIME)
            return false;
        usleep(TURN_PAUSE);
    }
    return true;
}

bool role_run(enum role_task task)
{
    bool returned = true;
    role_stage.task = task;
    atomic_store_explicit(&role_stage.turn, 0, memory_order_relaxed);
    atomic_store_explicit(&role_stage.awake, 0, memory_order_relaxed);
    atomic_store_explicit(&role_stage.attached, 0, memory_order_relaxed);
    PyThreadState *state = PyEval_SaveThread();
    barrier_wait(&role_stage.all);
    if (task == TASK_ORDERS)
        returned = watch_turns();
    if (task != TASK_END && returned)
        barrier_wait(&role_stage.all);
    PyEval_RestoreThread(state);
    return returned;
}
