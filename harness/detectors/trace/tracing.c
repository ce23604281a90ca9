/* See tracing.h for the contract. */
#include "detectors/trace/tracing.h"

#include <linux/futex.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "detectors/trace/anchor.h"
#include "detectors/trace/trace.h"
#include "detectors/watch/candidates.h"

#define MILLISECOND UINT64_C(1000000)
/* Each worker steps this number of iterations in a traced round: what only the first one writes is a cache. */
#define ITERATIONS 2
#define CALL_STEPS UINT64_C(1000000)
#define CALL_TIME (150 * MILLISECOND)
/* Beyond the budgets of all calls. */
#define PATIENCE (2 * CLOCK_SECOND)
/* After a traced round, this multiple of its time passes without one. */
#define REST 12

static bool on;

/* Of the current round; written by child main while the workers wait at a barrier. */
static struct {
    PyObject *names; /* borrowed */
    unsigned threads;
    uint32_t total;
    uint64_t began, until;
    _Alignas(64) _Atomic uint32_t turn;
} turns;

static _Atomic uint64_t next_round; /* the time from which on rounds are traced again */

int tracing_start(void)
{
    int result = trace_start();
    on = !result;
    return result;
}

bool tracing_is_on(void)
{
    return on;
}

void tracing_begin_round(unsigned threads, PyObject *names, bool fresh)
{
    uint64_t now = clock_now();
    turns.total = 0;
    if (!on)
        return;
    candidates_read_files();
    if (fresh) {
        candidates_forget_heap();
        anchor_resolve(names);
    }
    if (now < atomic_load(&next_round))
        return;
    turns.threads = threads;
    turns.names = names;
    turns.total = threads * ITERATIONS;
    turns.began = now;
    turns.until = now + turns.total * CALL_TIME + PATIENCE;
    atomic_store(&turns.turn, 0);
}

static void end_turns(void)
{
    uint64_t now = clock_now();
    trace_settle(turns.names);
    atomic_store(&next_round, now + REST * (now - turns.began));
}

/* Detached. Returns when the turn is not `turn` any more, or at the time limit, or early. */
static void wait_for_change(uint32_t turn)
{
    const struct timespec nap = {.tv_nsec = 50 * (long)MILLISECOND};
    syscall(SYS_futex, &turns.turn, FUTEX_WAIT_PRIVATE, turn, &nap, NULL, 0);
    if (clock_now() >= turns.until)
        atomic_store(&turns.turn, turns.total);
}

bool tracing_next(unsigned thread)
{
    uint32_t turn = atomic_load(&turns.turn);
    if (turns.total == 0)
        return false;
    PyThreadState *state = PyEval_SaveThread();
    while (turn < turns.total && turn % turns.threads != thread) {
        wait_for_change(turn);
        turn = atomic_load(&turns.turn);
    }
    PyEval_RestoreThread(state);
    return turn < turns.total;
}

void tracing_pass(void)
{
    uint32_t turn = atomic_load(&turns.turn);
    if (turn + 1 == turns.total)
        end_turns();
    if (turn < turns.total)
        atomic_compare_exchange_strong(&turns.turn, &turn, turn + 1);
    syscall(SYS_futex, &turns.turn, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void tracing_begin_call(unsigned thread)
{
    trace_begin(thread, &(struct trace_budget){CALL_STEPS, CALL_TIME});
}

void tracing_end_call(void)
{
    trace_end();
}
