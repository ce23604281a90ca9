/* See order.h for the contract. */
#include "child/first/order.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/prng.h"
#include "child/crash/crash.h"
#include "child/run/worker.h"

struct order_pass {
    struct run *run;
    PyInterpreterState *interpreter;
    uint16_t *order; /* the thread of each iteration */
    unsigned total, at;
    bool failed;
    pthread_mutex_t lock; /* for `at` and `failed` */
    pthread_cond_t turn;
};

struct order_thread {
    struct order_pass *pass;
    pthread_t thread;
    struct worker worker;
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

/* Attached. A worker that a statement has ended makes no more calls. The calls are the main thread's on the board. */
static bool take_turn(struct order_pass *pass, struct worker *worker)
{
    if (!worker_prepare(worker))
        return false;
    worker->slot = &pass->run->board->slots[BOARD_MAIN];
    worker->calls = atomic_load(&worker->slot->sequence) / 2;
    worker->call.serial = true;
    if (!worker->done)
        worker_iterate(worker);
    return true;
}

static void *thread_main(void *argument)
{
    struct order_thread *self = argument;
    struct order_pass *pass = self->pass;
    crash_thread_start((uint16_t)self->worker.index);
    PyThreadState *state = PyThreadState_New(pass->interpreter);
    while (await_turn(pass, self->worker.index)) {
        bool done = state != NULL;
        if (state) {
            PyEval_RestoreThread(state);
            done = take_turn(pass, &self->worker);
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

static void fill_order(uint16_t *order, unsigned threads, unsigned calls, uint64_t how)
{
    unsigned n = threads * calls;
    for (unsigned i = 0; i < n; i++)
        order[i] = (uint16_t)(how == ORDER_FORWARD    ? i / calls
                              : how == ORDER_BACKWARD ? threads - 1 - i / calls
                                                      : i % threads);
    if (how > ORDER_IN_TURN)
        shuffle(order, n, how);
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

bool order_run(struct run *run, uint64_t order, unsigned calls)
{
    unsigned n = run->plan->threads;
    struct order_thread *threads = aligned_alloc(_Alignof(struct order_thread), n * sizeof *threads);
    struct order_pass pass = {.run = run,
                              .interpreter = PyInterpreterState_Get(),
                              .order = calloc((size_t)n * calls, sizeof *pass.order),
                              .total = n * calls,
                              .lock = PTHREAD_MUTEX_INITIALIZER,
                              .turn = PTHREAD_COND_INITIALIZER};
    bool good = threads && pass.order;
    if (good) {
        fill_order(pass.order, n, calls, order);
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
    free(pass.order);
    free(threads);
    return good;
}
