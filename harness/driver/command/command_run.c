/* `ftstress run`: from a command line to a report. */
#include "driver/command/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "driver/command/gil_run.h"
#include "driver/tool/probe.h"
#include "driver/session/session.h"
#include "driver/command/target.h"
#include "driver/tool/tsan.h"
#include "driver/tool/valgrind.h"

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static uint64_t half_of_memory(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
}

/* Numbers that are easy to retype. */
static uint64_t draw_seed(void)
{
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint32_t)clock_now();
    return seed;
}

static void draw_seeds(const struct request *request, struct target_list *targets)
{
    uint64_t seed = draw_seed();
    for (size_t i = 0; i < targets->n; i++)
        if (!REQUEST_GAVE(request, plan.seed) && targets->plans[i].seed == 0)
            targets->plans[i].seed = seed;
}

static int print_plans(const struct target_list *targets)
{
    for (size_t i = 0; i < targets->n; i++) {
        cleanup_free char *text = NULL;
        int error = plan_print(&targets->plans[i], &text);
        if (error)
            return command_fail(STATUS_HARNESS, "cannot print the plan: %s", strerror(-error));
        fputs(text, stdout);
    }
    return STATUS_CLEAN;
}

/* The child runs in the environment that was asked for: *child becomes the one of its ABI. */
static int choose_python(const struct request *request, char **child, struct probe *probe)
{
    struct sentence error;
    char abi[PROBE_ABI_SIZE];
    cleanup_free char *own = NULL;
    if (probe_child(*child, abi, &own, &error) < 0)
        return command_fail_sentence(STATUS_HARNESS, &error);
    if (probe_interpreter(probe_choose(request->python, own), probe, &error) < 0)
        return command_fail_sentence(STATUS_UNTESTED, &error);
    if (strcmp(probe->abi, abi) != 0) {
        cleanup_free char *others = NULL;
        command_child_of_abi(probe->abi, child);
        if (probe_child(*child, abi, &others, &error) < 0)
            return command_fail_sentence(STATUS_HARNESS, &error);
    }
    if (probe_check_abi(probe, abi, &error) < 0)
        return command_fail_sentence(STATUS_UNTESTED, &error);
    return 0;
}

/* True: the plans are for an interpreter with the GIL that is named on purpose, and look for leaks. */
static bool narrow_to_gil(const struct request *request, const struct probe *probe,
                          struct target_list *targets, int *status)
{
    char error[640];
    if (probe->free_threaded || request->allow_gil)
        return false;
    for (size_t i = 0; i < targets->n && request->plan.under; i++)
        targets->plans[i].threads = 1;
    if (request->plan.under)
        return true;
    for (size_t i = 0; i < targets->n; i++)
        if (gil_run_narrow(&targets->plans[i], probe, error, sizeof error) < 0) {
            *status = command_fail(STATUS_UNTESTED, "%s", error);
            return false;
        }
    return true;
}

static void name_report(struct run *run, const struct target_list *targets)
{
    size_t size;
    FILE *out = open_memstream(&run->name, &size);
    for (size_t i = 0; out && i < targets->n; i++)
        fprintf(out, "%s%s", i ? ", " : "", targets->plans[i].name);
    if (out)
        fclose(out);
    run->seed = targets->plans[0].seed;
    run->share = targets->plans[0].share;
    for (size_t i = 0; i < targets->n; i++)
        if (targets->plans[i].threads > run->threads)
            run->threads = targets->plans[i].threads;
}

/* Which child, and under ThreadSanitizer whether it can be trusted. Returns 0 or an exit status, after saying why. */
static int choose_child(const struct request *request, struct tsan *tsan, char **ret_child)
{
    struct sentence error;
    if (!request->tsan) {
        if (command_child_path(ret_child) == 0)
            return 0;
        return command_fail(STATUS_HARNESS,
                            "ftstress-child is not beside this program; build it with scripts/setup.sh");
    }
    int result = tsan_prepare(tsan, request->suppressions, &error);
    if (!result)
        *ret_child = strdup(tsan->child);
    return result ? command_fail_sentence(result == -EINVAL ? STATUS_USAGE : STATUS_UNTESTED, &error) : 0;
}

/* Returns 0 or an exit status, after saying why. */
static int choose_tool(const struct request *request, const char *child, struct valgrind *valgrind)
{
    struct sentence error;
    if (!request->plan.under)
        return 0;
    if (valgrind_prepare(valgrind, child, request->suppressions, &error) < 0)
        return command_fail_sentence(STATUS_UNTESTED, &error);
    return 0;
}

/* What a run under Valgrind is about, and what it does not see. */
static void note_tool(struct note_list *notes, const struct valgrind *valgrind, const struct probe *probe)
{
    note_add(notes, "Valgrind %s runs one thread at a time: this run is about memory, not about races%s",
             valgrind->version,
             probe->free_threaded
                 ? ", and it does not see Python objects of a free-threaded CPython, which are not "
                   "malloc's: the growth detector counts those"
                 : "");
}

static int run_targets(const struct request *request, struct target_list *targets)
{
    cleanup_free char *child = NULL;
    struct probe probe = {0};
    struct tsan tsan = {0};
    struct valgrind valgrind = {0};
    int status = choose_child(request, &tsan, &child);
    if (!status)
        status = choose_python(request, &child, &probe);
    if (!status)
        status = choose_tool(request, child, &valgrind);
    bool gil = !status && narrow_to_gil(request, &probe, targets, &status);
    if (!status) {
        struct session session = {.request = request, .tsan = request->tsan ? &tsan : NULL};
        if (gil)
            gil_run_note(&session.run.notes, &probe);
        session.tool = request->plan.under ? tool_find(request->plan.under) : NULL;
        if (session.tool)
            note_tool(&session.run.notes, &valgrind, &probe);
        name_report(&session.run, targets);
        session.run.suppressions = &tsan.suppressions;
        session.settings =
            (struct job_settings){.child = child,
                                  .python = probe.executable,
                                  .allow_gil = request->allow_gil || gil,
                                  .tsan = request->tsan,
                                  .tool = session.tool,
                                  .tool_argv = valgrind.argv,
                                  .plain_malloc = !probe.free_threaded,
                                  .timeout = request->timeout,
                                  .memory = request->memory ? request->memory : half_of_memory(),
                                  .signals = open_signals()};
        if (!request->quiet)
            fprintf(stderr, "ftstress: seed %llu\n", (unsigned long long)session.run.seed);
        int error = session_run(&session, targets->plans, targets->n);
        status = error ? command_fail(STATUS_HARNESS, "cannot start a child: %s", strerror(-error))
                       : command_tell(&session.run, request);
        session_clear(&session);
    }
    probe_clear(&probe); /* NOLINT(clang-analyzer-unix.Malloc): cleanup_free */
    tsan_clear(&tsan);
    valgrind_clear(&valgrind);
    return status;
}

/* What no other detector can be asked for with it, and it with no other child. */
static void settle_tsan(struct request *request, struct target_list *targets)
{
    const uint32_t bit = DETECTOR_BIT(DETECTOR_TSAN);
    request->tsan |= REQUEST_GAVE(request, plan.detect) && request->plan.detect == bit;
    for (size_t i = 0; request->tsan && i < targets->n; i++)
        targets->plans[i].detect |= bit;
}

/* What is looked for under a tool, and what needs it. */
static int settle_under(struct request *request, struct target_list *targets, char *error, size_t size)
{
    const uint32_t others =
        DETECTOR_BIT(DETECTOR_CRASH) | DETECTOR_BIT(DETECTOR_HANG) | DETECTOR_BIT(DETECTOR_LOG);
    for (size_t i = 0; i < targets->n; i++) {
        struct plan *plan = &targets->plans[i];
        if (plan->under && targets->n > 1) {
            snprintf(error, size, "a run under %s is of one plan; name one", plan->under);
            return -EINVAL;
        }
        if (!plan->under)
            continue;
        plan->detect = (plan->detect & others) | DETECTOR_BIT(DETECTOR_MEMCHECK);
        if (!request->plan.under && !(request->plan.under = strdup(plan->under)))
            return -ENOMEM;
    }
    if (!request->plan.under || !request->tsan)
        return 0;
    snprintf(error, size, "--tsan and --under %s do not go together: each wants a child of its own; keep one",
             request->plan.under);
    return -EINVAL;
}

int command_run(const struct command *self, int argc, char **argv)
{
    struct request request;
    struct target_list targets = {0};
    char error[640] = "out of memory";
    int status = command_options(self, argc, argv, &request);
    if (status >= 0)
        return status;

    /* The plans. */
    int result = command_check_form(&request, error, sizeof error);
    if (!result)
        result = target_resolve(&request, &targets, error, sizeof error);
    draw_seeds(&request, &targets);
    settle_tsan(&request, &targets);
    if (!result)
        result = settle_under(&request, &targets, error, sizeof error);
    if (!result && request.suppressions && !request.tsan && !request.plan.under) {
        snprintf(error, sizeof error, "--suppressions is for --tsan and --under; give one of them, too");
        result = -EINVAL;
    }

    /* The run. */
    if (result)
        status = command_fail(STATUS_USAGE, "%s", error);
    else if (request.dry_run)
        status = print_plans(&targets);
    else
        status = run_targets(&request, &targets);
    target_list_clear(&targets);
    request_clear(&request);
    return status;
}
