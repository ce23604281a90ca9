/* See order.h for the contract. */
#include "child/first/order.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/prng.h"
#include "child/crash/crash.h"
#include "child/run/worker.h"
#include "detectors/trace/tracing.h"

struct order_pass {
    struct run *run;
    order_take *take;
    PyInterpreterState *interpreter;
    unsigned calls;
    uint16_t *order; /* the thread of each statement */
    unsigned total, at;
    bool failed;
    pthread_mutex_t lock; /* for `at` and `failed` */
    pthread_cond_t turn;
};

struct order_thread {
    struct worker worker; /* first: found from it */
    struct order_pass *pass;
    pthread_t thread;
};

/* Detached. Returns false when the pass is over. */
static bool await_turn(struct order_pass *pass, unsigned index)
{
    pthread_mutex_lock(&pass->lock);
    while (pass->at < pass->total && pass->order[pass->at] != index)
        pthread_cond_wait(&pass->turn, &pass->lock);
    bool goes_on = pass->at < pass->total;
    pthread_mutex_unlock(&pass->lock);
    return goes_on;
}

static void end_turn(struct order_pass *pass, bool failed)
{
    pthread_mutex_lock(&pass->lock);
    unsigned ended = pass->at;
    pass->failed |= failed;
    pass->at = failed ? pass->total : ended + 1;
    if (pass->at >= pass->total || pass->order[pass->at] != pass->order[ended])
        pthread_cond_broadcast(&pass->turn);
    pthread_mutex_unlock(&pass->lock);
}

static unsigned count_steps(const struct run *run, unsigned thread)
{
    return run->program ? run->program->bodies[thread % run->program->nbodies].nsteps : 1;
}

/* The calls are the main thread's on the board. */
static void take_slot(struct worker *worker)
{
    worker->slot = &worker->run->board->slots[BOARD_MAIN];
    worker->calls = atomic_load(&worker->slot->sequence) / 2;
}

/* Attached, after each statement. Between two statements of an iteration other threads may have their turns. */
static void after_step(struct worker *worker, unsigned step, PyObject *result)
{
    struct order_pass *pass = ((struct order_thread *)worker)->pass;
    pass->take(worker, step, result);
    if (!result || step + 1 >= count_steps(pass->run, worker->index))
        return;
    PyThreadState *state = PyEval_SaveThread();
    end_turn(pass, false);
    await_turn(pass, worker->index);
    PyEval_RestoreThread(state);
    take_slot(worker);
}

/* Attached. A worker that a statement has ended makes no more calls. */
static bool take_turn(struct worker *worker)
{
    if (!worker_prepare(worker))
        return false;
    take_slot(worker);
    worker->call.serial = true;
    tracing_enter_alone(worker->index);
    if (!worker->done)
        worker_iterate(worker);
    tracing_leave_alone();
    return true;
}

/* A thread that needs fewer turns than it has, because a statement raised, passes the rest on. */
static void *thread_main(void *argument)
{
    struct order_thread *self = argument;
    struct order_pass *pass = self->pass;
    crash_thread_start((uint16_t)self->worker.index);
    PyThreadState *state = PyThreadState_New(pass->interpreter);
    for (unsigned made = 0; await_turn(pass, self->worker.index); made++) {
        bool done = state != NULL;
        if (state && made < pass->calls) {
            PyEval_RestoreThread(state);
            done = take_turn(&self->worker);
            PyEval_SaveThread();
        }
        end_turn(pass, !done);
    }
    if (state) {
        PyEval_RestoreThread(state);
        worker_release(&self->worker);
        PyThreadState_Clear(state);
        PyThreadState_DeleteCurrent();
    }
    crash_set_statement(NULL);
    crash_thread_end();
    return NULL;
}

static void shuffle(uint16_t *order, unsigned n, uint64_t seed)
{
    struct prng prng = prng_stream(seed, n);
    for (unsigned i = n; i > 1; i--) {
        unsigned k = (unsigned)(prng_next(&prng) % i);
        uint16_t other = order[k];
        order[k] = order[i - 1];
        order[i - 1] = other;
    }
}

/* One statement of each thread in turn, until none has any left. */
static void fill_in_turn(struct order_pass *pass)
{
    unsigned threads = pass->run->plan->threads, at = 0;
    for (unsigned round = 0; at < pass->total; round++)
        for (unsigned thread = 0; thread < threads; thread++)
            if (round < pass->calls * count_steps(pass->run, thread))
                pass->order[at++] = (uint16_t)thread;
}

static void fill_order(struct order_pass *pass, uint64_t how)
{
    unsigned threads = pass->run->plan->threads, at = 0;
    if (how == ORDER_IN_TURN) {
        fill_in_turn(pass);
        return;
    }
    for (unsigned i = 0; i < threads; i++) {
        unsigned thread = how == ORDER_BACKWARD ? threads - 1 - i : i;
        for (unsigned k = pass->calls * count_steps(pass->run, thread); k > 0; k--)
            pass->order[at++] = (uint16_t)thread;
    }
    if (how > ORDER_IN_TURN)
        shuffle(pass->order, pass->total, how);
}

static unsigned start(struct order_pass *pass, struct order_thread *threads, unsigned n)
{
    unsigned started = 0;
    for (; started < n; started++) {
        struct order_thread *thread = &threads[started];
        *thread = (struct order_thread){.pass = pass,
                                        .worker = {.run = pass->run,
                                                   .index = started,
                                                   .sample_at = UINT64_MAX,
                                                   .interpreter = pass->interpreter,
                                                   .generation = pass->run->generation - 1}};
        if (pthread_create(&thread->thread, NULL, thread_main, thread) != 0)
            break;
    }
    return started;
}

static unsigned count_turns(const struct run *run, unsigned calls)
{
    unsigned turns = 0;
    for (unsigned i = 0; i < run->plan->threads; i++)
        turns += calls * count_steps(run, i);
    return turns;
}

bool order_run(struct run *run, uint64_t order, unsigned calls, order_take *take)
{
    unsigned n = run->plan->threads;
    struct order_thread *threads = aligned_alloc(_Alignof(struct order_thread), n * sizeof *threads);
    struct order_pass pass = {.run = run,
                              .take = take,
                              .interpreter = PyInterpreterState_Get(),
                              .calls = calls,
                              .total = count_turns(run, calls),
                              .lock = PTHREAD_MUTEX_INITIALIZER,
                              .turn = PTHREAD_COND_INITIALIZER};
    pass.order = calloc(pass.total ? pass.total : 1, sizeof *pass.order);
    bool good = threads && pass.order;
    run->took = after_step;
    if (good) {
        fill_order(&pass, order);
        pthread_mutex_lock(&pass.lock); /* until all have started */
        unsigned started = start(&pass, threads, n);
        if (started < n)
            pass.at = pass.total;
        pthread_mutex_unlock(&pass.lock);
        PyThreadState *state = PyEval_SaveThread();
        for (unsigned i = 0; i < started; i++)
            pthread_join(threads[i].thread, NULL);
        PyEval_RestoreThread(state);
        good = started == n && !pass.failed;
    }
    run->took = NULL;
    free(pass.order);
    free(threads);
    return good;
}
