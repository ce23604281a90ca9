/* See tracing.h for the contract. */
#include "detectors/trace/tracing.h"

#include <linux/futex.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/prng.h"
#include "core/wire/record.h"
#include "detectors/trace/anchor.h"
#include "detectors/trace/trace.h"
#include "detectors/watch/candidates.h"

#define MILLISECOND UINT64_C(1000000)
#define CALL_STEPS UINT64_C(1000000)
/* Processor time of one traced call, and its share of the time of the run. */
#define CALL_TIME (150 * MILLISECOND)
#define CALL_SHARE 30
/* The wall clock may take longer, if the machine is busy. */
#define PATIENCE (2 * CLOCK_SECOND)
/* After a traced round, this multiple of its time passes without one: after the first ones, and later. */
#define FIRST 3
#define REST_FIRST 15
#define REST 60
#define STREAM 0x7ace
#define STREAM_DELAY 0x7acd

__thread bool tracing_turn;

static bool on;
static unsigned alone; /* threads of tracing_begin_alone */

/* Of the current round; written by child main while the workers wait at a barrier. */
static struct {
    struct tracing_round round;
    uint32_t total;
    uint64_t number; /* of traced rounds */
    uint64_t began, until, call_time, delay;
    bool cut; /* the budget was too small for the last traced call */
    _Alignas(64) _Atomic uint32_t turn;
} turns;

/* Written by the thread that has the turn. */
static struct {
    uint64_t calls, words;
} traced;

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

static uint64_t call_time_of(uint64_t time)
{
    uint64_t share = time / CALL_SHARE;
    return share && share < CALL_TIME ? share : CALL_TIME;
}

static void begin_turns(const struct tracing_round *round, uint64_t now)
{
    turns.round = *round;
    turns.total = round->threads;
    turns.began = now;
    turns.call_time = call_time_of(round->time);
    turns.until = now + turns.total * turns.call_time + PATIENCE;
    turns.number++;
    struct prng prng = prng_stream(turns.number, STREAM_DELAY);
    turns.delay = turns.cut ? 1 + prng_next(&prng) % (round->iteration + 1) : 0;
    turns.cut = false;
    atomic_store(&turns.turn, 0);
}

uint64_t tracing_begin_round(const struct tracing_round *round)
{
    uint64_t now = clock_now();
    turns.total = 0;
    if (!on)
        return UINT64_MAX;
    candidates_read_files();
    if (round->fresh) {
        candidates_forget_heap();
        anchor_resolve(round->names);
    }
    if (now < atomic_load(&next_round))
        return UINT64_MAX;
    begin_turns(round, now);
    struct prng prng = prng_stream(turns.number, STREAM);
    return turns.number <= FIRST ? 0 : prng_next(&prng) % (round->iterations / 2 + 1);
}

static void end_turns(void)
{
    uint64_t words = trace_settle(turns.round.names);
    traced.words = words > traced.words ? words : traced.words;
    uint64_t now = clock_now(), rest = turns.number < FIRST ? REST_FIRST : REST;
    atomic_store(&next_round, now + rest * (now - turns.began));
}

int tracing_begin_alone(unsigned threads, uint64_t time)
{
    int result = tracing_start();
    if (result)
        return result;
    turns.delay = 0;
    turns.call_time = call_time_of(time);
    alone = threads;
    return 0;
}

void tracing_end_alone(PyObject *names)
{
    alone = 0;
    trace_settle(names);
}

void tracing_enter_alone(unsigned thread)
{
    tracing_turn = thread < alone;
}

void tracing_leave_alone(void)
{
    tracing_turn = false;
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
    while (turn < turns.total && turn != thread) {
        wait_for_change(turn);
        turn = atomic_load(&turns.turn);
    }
    PyEval_RestoreThread(state);
    tracing_turn = turn < turns.total;
    return tracing_turn;
}

void tracing_pass(void)
{
    uint32_t turn = atomic_load(&turns.turn);
    tracing_turn = false;
    if (turn + 1 == turns.total)
        end_turns();
    if (turn < turns.total)
        atomic_compare_exchange_strong(&turns.turn, &turn, turn + 1);
    syscall(SYS_futex, &turns.turn, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void tracing_leave(void)
{
    if (!on || atomic_exchange(&turns.turn, turns.total) >= turns.total)
        return;
    syscall(SYS_futex, &turns.turn, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void tracing_send(int wire)
{
    char text[96];
    if (traced.calls == 0)
        return;
    snprintf(text, sizeof text, "%" PRIu64 " calls were stepped through; two threads touch %" PRIu64 " words",
             traced.calls, traced.words);
    RECORD_SEND(wire, RECORD_FACT,
                .values = {[FACT_KIND] = FACT_TRACED,
                           [FACT_VALUE] = (int64_t)traced.words,
                           [FACT_CALLS] = (int64_t)traced.calls},
                .texts = {text});
}

void tracing_step(unsigned thread)
{
    trace_begin(thread, &(struct trace_budget){CALL_STEPS, turns.call_time, turns.delay});
}

void tracing_stop(void)
{
    trace_end();
    turns.cut |= trace_was_cut() || turns.delay;
    traced.calls++;
}
