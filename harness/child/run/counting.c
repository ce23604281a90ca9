/* The counting pass: up to three series of windows (enum counted_arm); all workers wait between two windows. And the
 * hint: rounds of an ordinary child as one such series: its last ones, or earlier ones where memory grows. */
#include "base/clock.h"
#include "base/resident.h"
#include "detectors/common/pyversion.h"
#include "child/run/round.h"
#include "child/run/worker.h"
#include "core/wire/status.h"
#include "detectors/leak/census.h"
#include "detectors/table/detectors.h"
#include "heap/point/point.h"

/* Share of the child's time; the rest is for its start, the serial pass and its end. */
#define SHARE 0.6
#define NO_TIME (4 * CLOCK_SECOND)
#define CALIBRATION (CLOCK_SECOND / 20)
#define CALLS_MAX 20000
/* Extra time, for which the driver waits: a late count is worth more than a short one. */
#define OVERTIME (4 * CLOCK_SECOND)
/* A large leak shows in few calls, and a process of gigabytes is slow to end. */
#define GROWTH_MAX (512.0 * (1 << 20))
/* An early hint stops there: each of its collections has to visit what grew. */
#define HINT_GROWTH_MAX (8.0 * (1 << 20))
#define EARLY_SHARE 4 /* of the time of the hint, at most */
/* The windows in units of a short one; the first one calibrates. */
#define UNITS (COUNTED_WINDOWS - 1 + COUNTED_LONG)

static struct {
    enum counted_arm arm;
    unsigned arms; /* of this plan */
    double time;   /* ns for each series */
    bool is_hint;
    uint64_t until;                     /* when an early hint ends; 0: it is none */
    unsigned number;                    /* of the last window that an early hint counted */
    int64_t calls[COUNTED_WINDOWS + 1]; /* since the series began, at each point */
    PyObject *settle;
    PyObject *codes;
} counting;

/* Frees everything that waits to be freed: references that other threads dropped, cycles, and memory that other threads
 * might still read. The second collection frees what the finalizers of the first one dropped. The interpreter's cache
 * of attributes of types keeps the names that it was asked for: with a new str for each call (PyObject_GetAttrString)
 * it takes thousands of calls to fill. */
static void settle(struct run *run)
{
    PyType_ClearCache();
    for (int i = 0; i < 2; i++) {
        if (!space_run(counting.settle, run->base.names))
            PyErr_Clear();
        PyGC_Collect();
    }
    pyversion_forget_stacks();
}

static void count_names(struct run *run, PyObject **names, unsigned n, unsigned number, uint64_t calls,
                        uint64_t next)
{
    struct detector_call call = run_main_call(run);
    settle(run);
    counting.calls[number] = (number ? counting.calls[number - 1] : 0) + (int64_t)calls;
    if (next == 0)
        run_send_calls(run, counting.arm, counting.calls, number + 1);
    detectors_window(&call, &(struct counting_window){.plan = run->plan,
                                                      .arm = counting.arm,
                                                      .number = number,
                                                      .calls = calls,
                                                      .next = next,
                                                      .iteration = run->first_iteration,
                                                      .names = names,
                                                      .nnames = n,
                                                      .codes = counting.codes});
}

static void count_window(struct run *run, struct worker *workers, unsigned number, uint64_t calls,
                         uint64_t next)
{
    PyObject *names[PLAN_THREADS_MAX];
    unsigned n = 0;
    if (run->plan->share != RUNG_PRIVATE)
        names[n++] = run->base.names;
    for (unsigned i = 0; run->plan->share == RUNG_PRIVATE && i < run->plan->threads; i++)
        if (workers[i].space.names)
            names[n++] = workers[i].space.names;
    count_names(run, names, n, number, calls, next);
}

/* Iterations of each thread in a short window, from the time and memory that the first window took. */
static uint64_t size_windows(const struct run *run, uint64_t took, int64_t grew, uint64_t iterations)
{
    const struct plan *plan = run->plan;
    double n = counting.time / UNITS / ((double)took / (double)iterations);
    if (plan->iterations)
        n = (double)plan->iterations / UNITS;
    double room = counting.until ? HINT_GROWTH_MAX : GROWTH_MAX;
    double most = grew > 0 ? room / counting.arms / UNITS / ((double)grew / (double)iterations) : n;
    n = n < most ? n : most;
    return n < 2 ? 2 : n > CALLS_MAX ? CALLS_MAX : (uint64_t)n;
}

static uint64_t size_first_window(const struct run *run)
{
    uint64_t time = counting.is_hint ? CALIBRATION / 8 : CALIBRATION;
    uint64_t n = counting.arm == COUNTED_CALLS ? time / run->iteration_time : 4;
    if (run->plan->iterations && n > run->plan->iterations)
        n = run->plan->iterations;
    return n < 1 ? 1 : n > CALLS_MAX / 4 ? CALLS_MAX / 4 : n;
}

/* Returns the time that it took, in ns. */
static uint64_t run_window(struct run *run, unsigned number, uint64_t iterations)
{
    space_check(&run->base);
    for (unsigned i = 0; i < run->base.nwatched; i++)
        watched_restore(&run->base.watched[i], false);
    atomic_store(&run->damaged, false);
    int part = counting_part(number);
    addresses_set_epoch(part < 0 ? EPOCH_FIRST : (enum epoch)(EPOCH_CALLS + part));
    run->round_calls = iterations;
    uint64_t began = clock_now();
    run_round(run);
    if (counting.is_hint) {
        run_check_round(run);
    } else {
        run->first_iteration += iterations;
        atomic_fetch_add(&run->board->rounds, 1);
    }
    return clock_now() - began;
}

/* Not after a finding or damage, and not where the windows would take far more than their time. window: ns. */
static bool is_hint_worth(const struct run *run, double window)
{
    return window * UNITS < 2 * counting.time && !atomic_load(&run->findings) && !atomic_load(&run->damaged);
}

/* Is the time of an early hint over, or that of the workers? */
static bool is_early_over(const struct run *run)
{
    return counting.until && (clock_now() > counting.until || atomic_load(&run->over));
}

static int lead_arm(struct run *run, struct worker *workers)
{
    uint64_t n = size_first_window(run), threads = run->plan->threads, size = n;
    unsigned number = 1;
    count_window(run, workers, 0, 0, n * threads);
    for (; number <= COUNTED_WINDOWS - (counting.until != 0); number++) {
        int64_t resident = number == 1 ? (int64_t)resident_bytes(0) : 0;
        uint64_t before = run_calls_made(run), took = run_window(run, number, size);
        if (number == 1)
            n = size_windows(run, took, (int64_t)resident_bytes(0) - resident, size);
        double window = number == 1 ? (double)took / (double)size * (double)n : 0;
        if (counting.is_hint && !is_hint_worth(run, window))
            return STATUS_CLEAN;
        size = number + 1 > COUNTED_WINDOWS - COUNTED_LONG ? 2 * n : n;
        if (atomic_load(&run->failed) || (counting.arm == COUNTED_RELEASE && !run_release(run)))
            return STATUS_UNTESTED;
        bool last = number == COUNTED_WINDOWS || (!counting.until && atomic_load(&run->over));
        count_window(run, workers, number, run_calls_made(run) - before, last ? 0 : size * threads);
        counting.number = number;
        if (last || is_early_over(run))
            break;
    }
    if (number >= COUNTED_LEAST || counting.is_hint)
        return STATUS_CLEAN;
    return run_cannot(
        run, STATUS_UNTESTED,
        "the time was over after %u windows of calls, and it takes %d to see what grows; give it more --time",
        number, COUNTED_LEAST);
}

static int count_arm(struct run *run, enum counted_arm arm)
{
    counting.arm = arm;
    return run_arm(run, arm, lead_arm);
}

static int count_arms(struct run *run)
{
    int status = count_arm(run, COUNTED_CALLS);
    if (!status && run->maker->release) {
        struct detector_call call = run_main_call(run);
        if (!run_release(run))
            return STATUS_UNTESTED;
        settle(run);
        detectors_released(&call);
    }
    if (!status && run->fresh)
        status = run_try_fresh(run);
    run->first_iteration++;
    if (!status && run->fresh)
        status = count_arm(run, COUNTED_NEW);
    if (!status && run->fresh && run->maker->release)
        status = count_arm(run, COUNTED_RELEASE);
    return status;
}

/* A native scenario has none. */
static PyObject *codes_of(const struct program *program)
{
    PyObject *codes = PyList_New(0);
    for (unsigned b = 0; codes && program && b < program->nbodies; b++)
        for (unsigned i = 0; i < program->bodies[b].nsteps; i++)
            if (PyList_Append(codes, program->bodies[b].steps[i].code) < 0)
                PyErr_Clear();
    return codes;
}

void run_counting_begin(struct run *run)
{
    counting.codes = codes_of(run->program);
    struct detector_call call = run_main_call(run);
    detectors_begin_counting(&call, &(struct counting_window){.plan = run->plan,
                                                              .names = &run->base.names,
                                                              .nnames = run->plan->share != RUNG_PRIVATE,
                                                              .codes = counting.codes});
}

int run_counting(struct run *run)
{
    const struct plan *plan = run->plan;
    counting.arms = !plan->fresh ? 1 : plan->release ? 3 : 2;
    counting.time = (plan->time ? SHARE * (double)plan->time : (double)NO_TIME) / counting.arms;
    counting.settle = Py_CompileString("None", "settle", Py_eval_input);
    run->deadline = plan->time ? clock_now() + plan->time + OVERTIME : 0;
    run->poll_every = 16;
    census_store_stacks();
    int status = count_arms(run);
    Py_CLEAR(counting.settle);
    Py_CLEAR(counting.codes);
    return status;
}

static void begin_hint(struct run *run)
{
    uint64_t began = clock_now();
    run->meetings = 0; /* the barrier of the last round's meetings is left */
    points_draw(0, run->plan->seed, 0, run->plan->threads);
    if (!counting.settle)
        counting.settle = Py_CompileString("None", "settle", Py_eval_input);
    settle(run);
    counting.arms = 1;
    counting.is_hint = run->replays = true;
    counting.time = (double)run->hint_time - (double)(clock_now() - began) * (COUNTED_WINDOWS + 1);
}

int run_hint(struct run *run)
{
    uint64_t began = clock_now();
    begin_hint(run);
    run->deadline = began + 2 * run->hint_time;
    int status = counting.time > 0 ? count_arm(run, COUNTED_CALLS) : STATUS_CLEAN;
    Py_CLEAR(counting.settle);
    return status;
}

int run_hint_early(struct run *run, struct worker *workers)
{
    uint64_t began = clock_now();
    begin_hint(run);
    /* Where the collections are slow, the windows take longer, and no more calls. */
    double least = (double)run->hint_time / 4;
    counting.time = counting.time > least ? counting.time : least;
    counting.until = began + EARLY_SHARE * run->hint_time;
    run->deadline += EARLY_SHARE * run->hint_time; /* past it, the workers end */
    int status = lead_arm(run, workers);
    run->deadline -= EARLY_SHARE * run->hint_time;
    run->deadline += clock_now() - began;
    run->hinted = run_calls_made(run);
    counting.is_hint = run->replays = false;
    return status;
}

void run_hint_end(struct run *run)
{
    if (counting.number > COUNTED_WARM_UP)
        count_names(run, NULL, 0, counting.number + 1, run_calls_made(run) - run->hinted, 0);
    Py_CLEAR(counting.settle);
}
