/* A run under Valgrind: a few children of increasing lengths, to see which memory grows with the calls. */
#include <errno.h>
#include <stdlib.h>

#include "core/plan/detector_list.h"
#include "core/plan/tool.h"
#include "core/wire/status.h"
#include "driver/mode/mode.h"
#include "driver/tool/valgrind.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
#define OTHERS (BIT(CRASH) | BIT(HANG) | BIT(LOG))

static const struct member member = {.name = "valgrind", .detect = OTHERS | BIT(MEMCHECK)};
static const struct member_set member_set = {.fallback = &member};

static bool is_selected(const struct mode_query *query)
{
    bool any = false;
    for (size_t i = 0; i < query->n; i++)
        any |= query->plans[i].under != NULL;
    return any;
}

static int narrow(struct plan *plans, size_t n, struct sentence *error)
{
    if (n > 1)
        return sentence_fail(-EINVAL, error, "name one", "a run under %s is of one plan", mode_valgrind.name);
    plans->detect = (plans->detect & OTHERS) | BIT(MEMCHECK);
    return 0;
}

static bool has_gil(const struct mode_run *run)
{
    return !run->probe.free_threaded && !run->request->allow_gil;
}

static int prepare(struct mode_run *run, struct plan *plans, size_t n, struct sentence *error)
{
    struct valgrind *valgrind = run->own = calloc(1, sizeof *valgrind);
    if (!valgrind)
        return sentence_fail(STATUS_HARNESS, error, "", "no memory");
    for (size_t i = 0; i < n && has_gil(run); i++)
        plans[i].threads = 1;
    bool works = valgrind_prepare(valgrind, run->child, run->request->suppressions, error) == 0;
    return works ? 0 : STATUS_UNTESTED;
}

/* Objects come in the same order in each child, and from malloc where the interpreter can do that. */
static void configure(const struct mode_run *run, struct job_settings *settings, struct run *report)
{
    static const char *const free_threaded[] = {"PYTHONHASHSEED=0", "PYTHONMALLOC", NULL};
    static const char *const other[] = {"PYTHONHASHSEED=0", "PYTHONMALLOC=malloc", NULL};
    const struct valgrind *valgrind = run->own;
    settings->launch.environment = run->probe.free_threaded ? free_threaded : other;
    report->memcheck.on = true;
    settings->under = valgrind->argv;
    settings->timeout *= tool_find(mode_valgrind.name)->patience;
    settings->allow_gil |= has_gil(run);
    if (has_gil(run))
        mode_gil_note(&run->probe, &report->notes);
    note_add(&report->notes,
             "Valgrind %s runs one thread at a time: this run is about memory, not about races%s",
             valgrind->version,
             run->probe.free_threaded
                 ? ", and it does not see Python objects of a free-threaded CPython, which are not "
                   "malloc's: the growth detector counts those"
                 : "");
}

/* A child that did not run to its end has no length: another one would not, either. */
static bool next_lengths(const struct run *report, uint64_t ret_lengths[2])
{
    return report->children == report->memcheck.n && memcheck_next(&report->memcheck, ret_lengths);
}

static bool doubt(const struct mode_run *run, const struct run *report, struct sentence *ret)
{
    const char *reason = memcheck_doubt(&report->memcheck);
    (void)run;
    return reason && sentence_fail(true, ret, "", "%s", reason);
}

static void clear(struct mode_run *run)
{
    valgrind_clear(run->own);
    free(run->own);
}

const struct mode mode_valgrind = {
    .name = "valgrind",
    .option = "--under valgrind",
    .has_suppressions = true,
    .is_serial = true,
    .has_no_trials = true,
    .members = &member_set,
    .is_selected = is_selected,
    .find_child = mode_find_child,
    .narrow = narrow,
    .prepare = prepare,
    .configure = configure,
    .next_lengths = next_lengths,
    .doubt = doubt,
    .clear = clear,
};
