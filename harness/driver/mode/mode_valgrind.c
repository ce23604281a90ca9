/* A run under Valgrind: a few children of increasing lengths, to see which memory grows with the calls. */
#include "driver/mode/mode_valgrind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "core/plan/detector_list.h"
#include "core/wire/status.h"
#include "driver/mode/mode.h"
#include "driver/tool/probe_run.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
#define OTHERS (BIT(CRASH) | BIT(HANG) | BIT(LOG))
/* It reads the symbols of the program and of all its libraries first. */
#define START_LIMIT (90 * CLOCK_SECOND)
/* Multiplies the time that a child may take without progress. */
#define PATIENCE 30

/* Stacks are deep enough to reach the statement of the plan, also where Python calls Python through C. The driver
 * demangles names, as everywhere. */
static const char *const arguments[] = {"--tool=memcheck",
                                        "--command-line-only=yes",
                                        "--leak-check=full",
                                        "--show-leak-kinds=all",
                                        "--errors-for-leak-kinds=none",
                                        "--num-callers=200",
                                        "--demangle=no",
                                        "--error-limit=no",
                                        "--fair-sched=try",
                                        "--vgdb=no",
                                        "--child-silent-after-fork=yes"};

static const struct member member = {.name = "valgrind", .detect = OTHERS | BIT(MEMCHECK)};
static const struct member_set member_set = {.fallback = &member};

/* Runs Valgrind. `what` is the clause for an error. Fills the version if the program prints one. */
static int run_valgrind(struct valgrind *valgrind, const char *const *argv, const char *what,
                        struct sentence *error)
{
    struct probe_job job = {.argv = (char *const *)argv, .limit = START_LIMIT};
    char reason[320];
    probe_run(&job, 1);
    int result = job.error == 0 && job.status == 0 ? 0 : -ENOEXEC;
    if (job.out)
        sscanf(job.out, "valgrind-%63s", valgrind->version);
    if (result) {
        probe_reason(&job, reason, sizeof reason);
        sentence_fail(0, error, "see whether it works by itself, and the files of suppressions",
                      "Valgrind %s: %s", what, reason);
    }
    probe_job_clear(&job);
    return result;
}

int valgrind_prepare(struct valgrind *valgrind, const char *child, const char *user, struct sentence *error)
{
    cleanup_free char *ours = NULL;
    const char *const version[] = {valgrind->program, "--version", NULL};
    const char **end = valgrind->argv;
    *valgrind = (struct valgrind){0};
    if (!probe_find_program(PLAN_TOOL, valgrind->program))
        return sentence_fail(-ENOENT, error, "install the package valgrind", "valgrind is not installed");
    if (fd_beside("../share/valgrind.supp", &ours) < 0)
        return sentence_fail(-ENOMEM, error, "", "no memory");
    *end++ = valgrind->program;
    end = mempcpy(end, arguments, sizeof arguments);
    snprintf(valgrind->ours, sizeof valgrind->ours, "--suppressions=%s", ours);
    *end++ = valgrind->ours;
    snprintf(valgrind->users, sizeof valgrind->users, "--suppressions=%s", user ? user : "");
    if (user)
        *end++ = valgrind->users;
    end[0] = child;
    end[1] = "--abi";
    int result = run_valgrind(valgrind, version, "does not print its version", error);
    if (!result)
        result = run_valgrind(valgrind, valgrind->argv, "does not start ftstress-child", error);
    end[0] = "--xml=yes";
    end[1] = "--xml-fd=" AS_TEXT(JOB_TOOL_FD);
    return result;
}

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
        return sentence_fail(-EINVAL, error, "name one", "a run under " PLAN_TOOL " is of one plan");
    plans->detect = (plans->detect & OTHERS) | BIT(MEMCHECK);
    return 0;
}

static bool has_gil(const struct mode_run *run)
{
    return !run->probe.free_threaded && !run->request->allow_gil;
}

static int prepare(struct mode_run *run, struct plan *plans, size_t n, struct sentence *error)
{
    run->own = malloc(sizeof(struct valgrind));
    if (!run->own)
        return sentence_fail(STATUS_HARNESS, error, "", "no memory");
    for (size_t i = 0; i < n && has_gil(run); i++)
        plans[i].threads = 1;
    bool works = valgrind_prepare(run->own, run->child, run->request->suppressions, error) == 0;
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
    settings->timeout *= PATIENCE;
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

static bool why_not_clean(const struct mode_run *run, const struct run *report, struct sentence *ret)
{
    const char *reason = memcheck_why_not_clean(&report->memcheck);
    (void)run;
    return reason && sentence_fail(true, ret, "", "%s", reason);
}

const struct mode mode_valgrind = {
    .name = PLAN_TOOL,
    .option = "--under " PLAN_TOOL,
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
    .why_not_clean = why_not_clean,
};
