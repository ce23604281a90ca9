/* The counting pass: windows of equal calls, in up to three arms, with everything still in between. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/resident.h"
#include "child/run/run.h"
#include "child/run/worker.h"
#include "core/wire/status.h"
#include "detectors/leak/census.h"
#include "detectors/table/detectors.h"

/* Of the time that the child has: the rest is for its start, the serial pass and its end. */
#define SHARE 0.6
#define NO_TIME (4 * CLOCK_SECOND)
#define CALIBRATION (CLOCK_SECOND / 20)
#define CALLS_MAX 20000
/* What is counted late is worth more than what is cut short: the driver waits for longer. */
#define OVERTIME (4 * CLOCK_SECOND)
/* What leaks much is seen in few calls, and a process of gigabytes is slow to end. */
#define GROWTH_MAX (512.0 * (1 << 20))
/* The windows in units of the short one, the first but for its calibration. */
#define UNITS (COUNTING_WINDOWS - 1 + COUNTING_LONG)

static struct {
    enum counted_arm arm;
    unsigned arms;                       /* that this plan has */
    int64_t calls[COUNTING_WINDOWS + 1]; /* since the arm began, at each point */
    PyObject *release, *settle;
} counting;

static struct detector_call call_of(struct run *run)
{
    return (struct detector_call){.wire = run->wire,
                                  .worker = RECORD_MAIN,
                                  .statement = "",
                                  .mutable = run->mutable,
                                  .damaged = &run->damaged,
                                  .findings = &run->findings};
}

static bool run_code(PyObject *code, PyObject *names)
{
    PyObject *result = PyEval_EvalCode(code, names, names);
    Py_XDECREF(result);
    return result != NULL;
}

/* Whatever waits to be freed is freed: references that other threads dropped, cycles, what other threads might read. A
 * second collection frees what the first one's finalizers let go. */
static void settle(struct run *run)
{
    for (int i = 0; i < 2; i++) {
        if (!run_code(counting.settle, run->base.names))
            PyErr_Clear();
        PyGC_Collect();
    }
}

bool run_release(struct run *run, PyObject *code)
{
    char reason[256], sentence[400];
    if (code && run_code(code, run->base.names))
        return true;
    space_say_exception(reason, sizeof reason);
    snprintf(sentence, sizeof sentence, "the release step raises %s; correct it", reason);
    run_cannot(run, STATUS_UNTESTED, sentence);
    return false;
}

uint64_t run_calls_made(const struct run *run)
{
    struct board_totals totals;
    board_sum(run->board, &totals);
    return totals.calls;
}

static void send_arm(const struct run *run, unsigned number)
{
    struct record record;
    record_begin(&record, RECORD_ARM, RECORD_MAIN);
    record.values[ARM_ARM] = counting.arm;
    record.values[ARM_NPOINTS] = number + 1;
    memcpy(&record.values[ARM_POINTS], counting.calls, (number + 1) * sizeof *counting.calls);
    record_send(&record, run->wire);
}

static void tell_window(struct run *run, struct worker *workers, unsigned number, uint64_t calls,
                        uint64_t next)
{
    struct detector_call call = call_of(run);
    PyObject *names[PLAN_THREADS_MAX];
    unsigned n = 0;
    if (run->plan->share != RUNG_PRIVATE)
        names[n++] = run->base.names;
    for (unsigned i = 0; run->plan->share == RUNG_PRIVATE && i < run->plan->threads; i++)
        if (workers[i].space.names)
            names[n++] = workers[i].space.names;
    settle(run);
    counting.calls[number] = (number ? counting.calls[number - 1] : 0) + (int64_t)calls;
    if (next == 0)
        send_arm(run, number);
    detectors_window(&call, run->plan,
                     &(struct counting_window){.arm = counting.arm,
                                               .number = number,
                                               .calls = calls,
                                               .next = next,
                                               .iteration = run->first_iteration,
                                               .names = names,
                                               .nnames = n});
}

/* Iterations of a thread in a short window, from what an iteration of the first took, in time and in memory. */
static uint64_t size_windows(const struct run *run, uint64_t took, int64_t grew, uint64_t iterations)
{
    const struct plan *plan = run->plan;
    double time = (plan->time ? SHARE * (double)plan->time : (double)NO_TIME) / counting.arms;
    double n = time / UNITS / ((double)took / (double)iterations);
    if (plan->iterations)
        n = (double)plan->iterations / UNITS;
    double most = grew > 0 ? GROWTH_MAX / counting.arms / UNITS / ((double)grew / (double)iterations) : n;
    n = n < most ? n : most;
    return n < 2 ? 2 : n > CALLS_MAX ? CALLS_MAX : (uint64_t)n;
}

static uint64_t first_window(const struct run *run)
{
    uint64_t n = counting.arm == ARM_CALLS ? CALIBRATION / run->iteration_time : 4;
    if (run->plan->iterations && n > run->plan->iterations)
        n = run->plan->iterations;
    return n < 1 ? 1 : n > CALLS_MAX / 4 ? CALLS_MAX / 4 : n;
}

/* Returns how long it took. */
static uint64_t one_window(struct run *run, unsigned number, uint64_t iterations)
{
    for (unsigned i = 0; i < run->base.nwatched; i++)
        watched_restore(&run->base.watched[i], false);
    atomic_store(&run->damaged, false);
    int part = counting_part(number);
    addresses_set_epoch(part < 0 ? EPOCH_FIRST : (enum epoch)(EPOCH_CALLS + part));
    run->round_calls = iterations;
    uint64_t began = clock_now();
    run_round(run);
    run->first_iteration += iterations;
    atomic_fetch_add(&run->board->rounds, 1);
    return clock_now() - began;
}

/* A few windows say nothing. */
static int say_short(struct run *run, unsigned number)
{
    char sentence[160];
    snprintf(
        sentence, sizeof sentence,
        "the time was over after %u windows of calls, and it takes %d to see what grows; give it more --time",
        number, COUNTING_LEAST);
    run_cannot(run, STATUS_UNTESTED, sentence);
    return STATUS_UNTESTED;
}

static int lead_arm(struct run *run, struct worker *workers)
{
    uint64_t n = first_window(run), threads = run->plan->threads, size = n;
    unsigned number = 1;
    tell_window(run, workers, 0, 0, n * threads);
    for (; number <= COUNTING_WINDOWS; number++) {
        int64_t resident = number == 1 ? (int64_t)resident_bytes(0) : 0;
        uint64_t before = run_calls_made(run), took = one_window(run, number, size);
        if (number == 1)
            n = size_windows(run, took, (int64_t)resident_bytes(0) - resident, size);
        size = number + 1 > COUNTING_WINDOWS - COUNTING_LONG ? 2 * n : n;
        if (atomic_load(&run->failed) || (counting.arm == ARM_RELEASE && !run_release(run, counting.release)))
            return STATUS_UNTESTED;
        bool last = number == COUNTING_WINDOWS || atomic_load(&run->over);
        tell_window(run, workers, number, run_calls_made(run) - before, last ? 0 : size * threads);
        if (last)
            break;
    }
    return number >= COUNTING_LEAST ? STATUS_CLEAN : say_short(run, number);
}

static int run_arm(struct run *run, enum counted_arm arm)
{
    const struct program *steps = run->program;
    counting.arm = arm;
    atomic_store(&run->over, false);
    if (arm != ARM_CALLS)
        run->program = run->fresh;
    int status = run_workers(run, lead_arm);
    run->program = steps;
    return status;
}

int run_try_fresh(struct run *run)
{
    char reason[256], sentence[800];
    struct space space;
    if (space_share(&run->base, &space) < 0)
        return STATUS_HARNESS;
    bool ready = space_thread_setup(run->maker, &space, 0, sentence, sizeof sentence) == 0;
    bool good = ready && run_code(run->fresh->bodies[0].steps[0].code, space.names);
    if (ready && !good) {
        space_say_exception(reason, sizeof reason);
        snprintf(sentence, sizeof sentence, "the statements of `new` raise %s; correct them", reason);
    }
    if (!good)
        run_cannot(run, STATUS_UNTESTED, sentence);
    space_drop(&space);
    return good ? STATUS_CLEAN : STATUS_UNTESTED;
}

static int run_arms(struct run *run)
{
    int status = run_arm(run, ARM_CALLS);
    if (!status && counting.release) {
        struct detector_call call = call_of(run);
        if (!run_release(run, counting.release))
            return STATUS_UNTESTED;
        settle(run);
        detectors_released(&call, run->plan);
    }
    if (!status && run->fresh)
        status = run_try_fresh(run);
    run->first_iteration++;
    if (!status && run->fresh)
        status = run_arm(run, ARM_NEW);
    if (!status && run->fresh && counting.release)
        status = run_arm(run, ARM_RELEASE);
    return status;
}

void run_counting_begin(struct run *run)
{
    struct detector_call call = call_of(run);
    detectors_begin_counting(&call, run->plan, &run->base.names, run->plan->share != RUNG_PRIVATE);
}

int run_counting(struct run *run)
{
    const struct plan *plan = run->plan;
    char reason[256], sentence[400];
    counting.arms = !plan->fresh ? 1 : plan->release ? 3 : 2;
    counting.settle = Py_CompileString("None", "settle", Py_eval_input);
    if (plan->release)
        counting.release = Py_CompileString(plan->release, "release", Py_file_input);
    if (plan->release && !counting.release) {
        space_say_exception(reason, sizeof reason);
        snprintf(sentence, sizeof sentence, "the release step is not Python: %s; correct it", reason);
        run_cannot(run, STATUS_USAGE, sentence);
        return STATUS_USAGE;
    }
    run->deadline = plan->time ? clock_now() + plan->time + OVERTIME : 0;
    run->poll_every = 16;
    census_keep_stacks();
    int status = run_arms(run);
    Py_CLEAR(counting.release);
    Py_CLEAR(counting.settle);
    return status;
}
