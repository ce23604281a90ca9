#include "driver/sweep/sweep.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/embed.h"
#include "base/fd.h"
#include "base/prng.h"
#include "core/plan/detector_list.h"
#include "core/wire/status.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_child.h"
#include "driver/sweep/sweep_state.h"

EMBED(catalogue_source, FTSTRESS_CATALOGUE);

/* Callables and calls of a unit, at most: each unit costs the imports in each pass. A small catalogue has UNITS all the
 * same, for several workers. */
#define UNIT_CALLABLES 80u
#define UNIT_LEAST 20u
#define UNITS 8
#define UNIT_CALLS 9000u
/* Calls that threads make in a sweep, about: 40 of them take 2 s. A sweep of few callables has several of each. */
#define THREAD_CALLS 600u
#define CATALOGUE_TIME (600 * CLOCK_SECOND)
/* Imports and classes that end the process that lists the callables, at most: each one costs all imports again. */
#define SKIPPED_MOST 30u

static json_t *list_of(char *const *texts, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

/* A file of the last child, such as "step", which has the step that it ended at; NULL: none. The caller's. */
static char *read_text(const struct sweep *sweep, const char *name)
{
    char *text = NULL;
    size_t size;
    return sweep_child_read(sweep, name, &text, &size) == 0 ? text : NULL;
}

/* Reads what the child wrote. Returns 0, or an exit status with *error. */
static int take_catalogue(struct sweep *sweep, const struct outcome *outcome, struct sentence *error)
{
    cleanup_free char *step = read_text(sweep, "step");
    char *text = NULL;
    size_t size;
    if (outcome->interrupted)
        return sentence_fail(STATUS_UNTESTED, error, "", "interrupted before its end");
    if (outcome->cannot)
        return sentence_fail(outcome->cannot_status, error, "", "%s", outcome->cannot);
    if (sweep_child_read(sweep, "catalogue.json", &text, &size) == 0)
        sweep->catalogue = json_loads(text, 0, NULL);
    free(text);
    if (!sweep->catalogue)
        return sentence_fail(STATUS_UNTESTED, error, "leave that module out",
                             "the process that lists the callables ended early, at or behind: %s",
                             step ? step : "its start");
    return 0;
}

static int catalogue_plan(const struct sweep *sweep, struct plan *plan)
{
    int failed = sweep_child_plan(sweep, catalogue_source, plan);
    failed = failed ? failed : plan_add_text(&plan->steps, &plan->nsteps, "None");
    plan->iterations = 1;
    plan->time = CATALOGUE_TIME;
    plan->detect = DETECTOR_BIT(DETECTOR_CRASH);
    return failed;
}

/* Lists the callables in one child. *ret_ended: it ended before it had listed all. Returns 0, or an exit status with
 * *error. */
static int list_callables(struct sweep *sweep, const json_t *task, json_t **ret_environment, bool *ret_ended,
                          struct sentence *error)
{
    struct plan plan;
    struct outcome outcome = {0};
    int failed = catalogue_plan(sweep, &plan);
    failed = failed ? failed : sweep_child_run(sweep, &plan, task, &outcome);
    int status = failed
                     ? sentence_fail(STATUS_HARNESS, error, "", "cannot start a child: %s", strerror(-failed))
                     : take_catalogue(sweep, &outcome, error);
    *ret_ended = !failed && !outcome.interrupted && !outcome.cannot && !sweep->catalogue;
    json_decref(*ret_environment);
    *ret_environment = list_of(outcome.environment, outcome.nenvironment);
    outcome_clear(&outcome);
    plan_clear(&plan);
    return status;
}

/* Adds the step that the process ended at to the steps that the next one leaves out. Returns false without a new
 * one. */
static bool skip_step(const struct sweep *sweep, json_t *skip)
{
    cleanup_free char *step = read_text(sweep, "step"), *why = read_text(sweep, "why");
    if (!step || !*step || json_object_get(skip, step) || json_object_size(skip) >= SKIPPED_MOST)
        return false;
    return json_object_set_new(skip, step, json_string(why ? why : "its import ended the process")) == 0;
}

static int make_catalogue(struct sweep *sweep, json_t *names, json_t **ret_environment,
                          struct sentence *error)
{
    json_t *skip = json_object();
    json_auto_t *task = json_pack("{s:O, s:o, s:o, s:b}", "modules", names, "targets",
                                  list_of(sweep->modules, sweep->nmodules), "skip", skip, "allow_gil",
                                  sweep->settings.allow_gil);
    bool ended;
    int status;
    do
        status = list_callables(sweep, task, ret_environment, &ended, error);
    while (ended && skip_step(sweep, skip));
    return status;
}

void sweep_leave_shard(const struct sweep *sweep)
{
    json_t *rows = json_object_get(sweep->catalogue, "callables");
    unsigned shards = sweep->request->shards;
    for (size_t i = json_array_size(rows); shards > 0 && i-- > 0;)
        if (prng_text(document_text(json_array_get(rows, i), "name")) % shards != sweep->request->shard - 1)
            json_array_remove(rows, i);
}

static int divide(struct sweep *sweep)
{
    size_t i, ncalls = 0;
    json_t *entry, *unit = NULL;
    const json_t *callables = json_object_get(sweep->catalogue, "callables");
    size_t most = json_array_size(callables) / UNITS;
    most = most < UNIT_LEAST ? UNIT_LEAST : most > UNIT_CALLABLES ? UNIT_CALLABLES : most;
    sweep->units = json_array();
    json_array_foreach (callables, i, entry) {
        ncalls += json_array_size(json_object_get(entry, "calls"));
        if (!unit || json_array_size(unit) >= most || ncalls > UNIT_CALLS) {
            unit = json_array();
            json_array_append_new(sweep->units, unit);
            ncalls = json_array_size(json_object_get(entry, "calls"));
        }
        if (json_array_append(unit, entry) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* In a fork. It ends with this process, so that no child outlives it. */
static _Noreturn void work_as_child(struct sweep *sweep, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    sweep->shows = false;
    sweep->scratch = NULL;
    _exit(sweep_work(sweep) < 0 ? 1 : 0);
}

static int run_workers(struct sweep *sweep)
{
    pid_t parent = getpid(), *pids = calloc(sweep->jobs, sizeof *pids);
    int error = pids ? 0 : -ENOMEM;
    fflush(NULL);
    for (unsigned i = 1; !error && i < sweep->jobs; i++)
        if ((pids[i] = fork()) == 0)
            work_as_child(sweep, parent);
    error = error ? error : sweep_work(sweep);
    for (unsigned i = 1; pids && i < sweep->jobs; i++) {
        if (pids[i] > 0 && atomic_load(&sweep->board->interrupted))
            kill(pids[i], SIGTERM);
        int status = 0;
        if (pids[i] > 0 && waitpid(pids[i], &status, 0) > 0 && status != 0 && !error)
            error = -EIO;
    }
    free(pids);
    return error;
}

static int open_board(struct sweep *sweep)
{
    void *board = mmap(NULL, sizeof *sweep->board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED)
        return -errno;
    sweep->board = board;
    sweep->locks = memfd_create("ftstress-sweep", MFD_CLOEXEC);
    return sweep->locks < 0 ? -errno : 0;
}

static json_t *task_of(const struct sweep *sweep, json_t *names, json_t *environment)
{
    return json_pack("{s:O, s:O, s:s, s:O, s:I, s:I}", "modules", names, "environment", environment, "python",
                     sweep->mode->probe.executable, "catalogue", sweep->catalogue, "threads",
                     (json_int_t)sweep->request->plan.threads, "timeout",
                     (json_int_t)sweep->request->timeout);
}

static int run_units(struct sweep *sweep, json_t *names, json_t *environment, struct sentence *error)
{
    int failed;
    sweep->turns =
        THREAD_CALLS / (unsigned)(1 + json_array_size(json_object_get(sweep->catalogue, "callables")));
    sweep_leave_shard(sweep);
    json_auto_t *task = task_of(sweep, names, environment);
    failed = divide(sweep);
    failed = failed ? failed : sweep_draw_order(sweep);
    failed = failed ? failed : sweep_state_open(sweep, task);
    failed = failed ? failed : run_workers(sweep);
    if (sweep->shows)
        fputs("\r\e[K", stderr);
    if (failed == -EBUSY)
        return sentence_fail(STATUS_HARNESS, error, "name another folder with --out",
                             "another sweep or fuzzer writes its results under %s", sweep->request->out);
    if (failed)
        return sentence_fail(STATUS_HARNESS, error, "name another folder with --out",
                             "cannot keep results under %s: %s", sweep->dir ? sweep->dir : "",
                             strerror(-failed));
    return 0;
}

/* Refuses the name of a module or callable that does not exist: it is misspelled, or of another environment. */
static int check_targets(const struct sweep *sweep, struct sentence *error)
{
    const json_t *missing = json_array_get(json_object_get(sweep->catalogue, "missing"), 0);
    const char *name = document_text(missing, "name"), *callable = document_text(missing, "callable"),
               *listed = document_text(missing, "listed");
    if (!missing)
        return 0;
    if (*listed)
        return sentence_fail(STATUS_USAGE, error, "name that one", "%s:%s is the callable %s", name, callable,
                             listed);
    if (*callable)
        return sentence_fail(STATUS_USAGE, error, "see `ftstress sweep` of the module for its callables",
                             "the module %s has no %s", name, callable);
    return sentence_fail(STATUS_USAGE, error,
                         sweep->signals ? "name one that -p has, or a callable as module:callable"
                                        : "name one that -p has",
                         "there is no module %s", name);
}

int sweep_prepare(struct sweep *sweep, json_t *names, json_t **ret_environment, struct sentence *error)
{
    sweep->began = clock_now();
    int failed = open_board(sweep);
    failed = failed ? failed : sweep_child_open(sweep);
    if (failed)
        return sentence_fail(STATUS_HARNESS, error, "", "cannot make a temporary folder: %s",
                             strerror(-failed));
    int status = make_catalogue(sweep, names, ret_environment, error);
    sweep_child_close(sweep);
    return status ? status : check_targets(sweep, error);
}

int sweep_run(struct sweep *sweep, struct run *run, json_t **ret_report, struct sentence *error)
{
    json_auto_t *names = list_of(sweep->modules, sweep->nmodules), *environment = NULL;
    int status = sweep_prepare(sweep, names, &environment, error);
    if (!status)
        status = run_units(sweep, names, environment, error);
    if (status)
        return status;
    *ret_report = sweep_report(sweep, run);
    return *ret_report ? 0 : sentence_fail(STATUS_HARNESS, error, "", "no memory for the report");
}

void sweep_clear(struct sweep *sweep)
{
    json_decref(sweep->catalogue);
    json_decref(sweep->units);
    free(sweep->dir);
    free(sweep->order);
    if (!sweep->board)
        return;
    munmap(sweep->board, sizeof *sweep->board);
    fd_close(&sweep->locks);
}
