/* The serial pass: one thread, each role in turn. What a statement changes or raises here is its normal behaviour. */
#include "child/run/run.h"

#include "base/clock.h"
#include "child/crash/crash.h"
#include "child/run/learn.h"
#include "child/run/worker.h"
#include "core/wire/status.h"
#include "detectors/memory/guard.h"

/* The calls of which the heap is checked behind the last one, in the variable `case_window` of a statement that makes
 * many different calls: a check reads the whole heap. */
static uint64_t window_of(const struct worker *worker)
{
    PyObject *value = worker->names_case ? PyDict_GetItemString(worker->space.names, "case_window") : NULL;
    long window = value ? PyLong_AsLong(value) : 1;
    PyErr_Clear();
    return window > 1 ? (uint64_t)window : 1;
}

/* Ends a pass with stop_on_first at the call that shows a failure; one of the heap, at the end of its window. */
static bool is_shown(const struct run *run, const struct worker *worker, uint64_t window)
{
    if (!run->plan->stop_on_first)
        return false;
    if (atomic_load(&run->findings) || !worker->names_case)
        return atomic_load(&run->findings);
    return worker->done || worker->iterations % window == 0 ? guard_finds() : guard_has_found();
}

/* Returns the iterations that ended without an exception, or -1 when the role could not be prepared. */
static int64_t run_role(struct run *run, struct worker *worker, const struct serial_limits *limits,
                        uint64_t *slowest)
{
    if (!worker_prepare(worker))
        return -1;
    worker->learn->looks = 0;
    worker->learn->spent = 0;
    int64_t completed = 0;
    uint64_t window = window_of(worker), began = clock_now(), until = began + limits->nanoseconds;
    for (uint64_t i = 0; i < limits->iterations; i++) {
        uint64_t start = clock_now();
        completed += worker_iterate(worker);
        uint64_t took = clock_now() - start;
        if (took > *slowest)
            *slowest = took;
        /* Each iteration gets the same inputs, whatever the one before did to them. */
        for (unsigned k = 0; k < worker->space.nwatched; k++)
            watched_restore(&worker->space.watched[k], true);
        run->shown = run->shown || is_shown(run, worker, window);
        if (worker->done || run->shown || clock_now() >= until || atomic_load(&run->board->ask))
            break;
    }
    run->iteration_time = (clock_now() - began - worker->learn->spent) / worker->iterations + 1;
    return completed;
}

bool run_serial(struct run *run, struct space *space, const struct serial_limits *limits)
{
    unsigned roles = run->program ? run->program->nbodies : 1;
    uint64_t slowest = atomic_load(&run->board->slowest);
    int64_t completed = 0;
    bool ended = false; /* by SystemExit */
    uint64_t calls = atomic_load(&run->board->slots[BOARD_MAIN].sequence) / 2;
    struct learn learn;
    learn_begin(&learn, run, space->names);
    for (unsigned role = 0; role < roles; role++) {
        struct worker worker = {
            .run = run, .index = role, .generation = run->generation - 1, .learn = &learn, .calls = calls};
        int64_t done = run_role(run, &worker, limits, &slowest);
        calls = worker.calls;
        ended |= worker.done;
        crash_set_statement(NULL);
        if (run->plan->share == RUNG_PRIVATE)
            space_remember(run->maker, &worker.space);
        worker_release(&worker);
        if (done < 0)
            return false;
        completed += done;
    }
    atomic_store(&run->board->slowest, slowest);
    learn_end(&learn, space);
    space_remember(run->maker, space);
    if (completed > 0)
        return true;
    if (ended)
        run_cannot(
            run, STATUS_UNTESTED,
            "SystemExit ends the run before a serial call returns, so nothing would be tested; raise it in a "
            "later call: `if iteration_index == 1000: raise SystemExit`");
    else
        run_cannot(
            run, STATUS_UNTESTED,
            "every one of %llu serial calls raises an exception (%s), so nothing would be tested; correct the "
            "statement or its setup, or declare an exception that is meant with --raises",
            (unsigned long long)calls, run->last_raised);
    return false;
}
