/* `ftstress run`: from a command line to a report. */
#include "driver/command/command_inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/prng.h"
#include "base/text.h"
#include "core/plan/perturb.h"
#include "driver/command/target.h"
#include "driver/mode/mode.h"
#include "driver/report/report.h"
#include "driver/session/session.h"

static void draw_seeds(const struct request *request, struct target_list *targets)
{
    uint32_t seed = 0; /* easy to retype */
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint32_t)clock_now();
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

/* Names what is tested, for a baseline: another seed is the same test. */
static void name_test(struct run *run, const struct target_list *targets)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < targets->n; i++) {
        cleanup_free char *text = NULL;
        struct plan plan = targets->plans[i];
        plan.seed = 0;
        hash = prng_mix(hash ^ (plan_print(&plan, &text) == 0 ? prng_text(text) : 0));
    }
    snprintf(run->test, sizeof run->test, "%08llx", (unsigned long long)(hash & 0xffffffff));
}

/* Applies PERTURB_CROWD, so that trials and plans of findings have the same threads. */
static void crowd(const struct request *request, struct target_list *targets)
{
    struct plan usual;
    uint32_t enough = 4 * (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    plan_init(&usual);
    for (size_t i = 0; i < targets->n && !REQUEST_GAVE(request, plan.threads); i++) {
        struct plan *plan = &targets->plans[i];
        if (plan->perturb & PERTURB_CROWD && plan->threads == usual.threads && enough > plan->threads)
            plan->threads = enough < PLAN_THREADS_MAX ? enough : PLAN_THREADS_MAX;
    }
}

static void name_run(struct run *run, const struct target_list *targets)
{
    for (size_t i = 0; i < targets->n; i++) {
        text_join(&run->name, ", ", targets->plans[i].name);
        if (targets->plans[i].threads > run->threads)
            run->threads = targets->plans[i].threads;
    }
    run->seed = targets->plans[0].seed;
    run->share = targets->plans[0].share;
}

/* Checks before the run that its results can be written. Returns 0, or an exit status after an error message. */
static int check_outputs(const struct request *request)
{
    cleanup_free char *kept = NULL;
    int error = asprintf(&kept, "%s/report.json", request->out) < 0 ? -ENOMEM : fd_make_dirs(request->out);
    const char *const files[][2] = {{"out", kept}, {"json", request->json}, {"output", request->output}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = files[i][1];
        if (!error && !command_is_stdout(path))
            error = fd_can_write(path);
        if (error)
            return command_fail(STATUS_HARNESS, "cannot write %s: %s; name another place with --%s", path,
                                strerror(-error), files[i][0]);
    }
    return 0;
}

/* Runs the plans in the mode, and reports. Returns the exit status. */
static int run_session(struct mode_run *mode, const struct target_list *targets, struct known_list *known)
{
    const struct request *request = mode->request;
    struct session session = {.request = request, .mode = mode, .settings = command_settings(mode)};
    name_run(&session.run, targets);
    name_test(&session.run, targets);
    session.run.out = request->out;
    session.run.python = mode->probe.executable;
    if (report_kept(request->out, &session.run.findings) < 0)
        return command_fail(STATUS_HARNESS, "cannot read the findings under %s: no memory", request->out);
    session.run.known = request->known || request->baseline ? known : NULL;
    if (mode->row->configure)
        mode->row->configure(mode, &session.settings, &session.run);
    if (!request->quiet)
        fprintf(stderr, "ftstress: seed %llu\n", (unsigned long long)session.run.seed);
    int error = session_run(&session, targets->plans, targets->n);
    int status = error ? command_fail(STATUS_HARNESS, "cannot start a child: %s", strerror(-error))
                       : command_tell(&session.run, request);
    session_clear(&session);
    return status;
}

static int run_targets(const struct request *request, const struct mode *mode, struct target_list *targets,
                       struct known_list *known)
{
    struct sentence error;
    struct mode_run run = {.row = mode, .request = request};
    int status = mode_open(&run, targets->plans, targets->n, &error);
    status = status ? command_fail_sentence(status, &error) : run_session(&run, targets, known);
    mode_close(&run);
    return status;
}

int command_run(const struct request *request)
{
    struct target_list targets;
    struct sentence contradiction;
    char error[640];
    int status = STATUS_USAGE;
    const struct mode *mode = NULL;
    struct known_list known = {0};
    command_hold_signals();
    int result = target_resolve(request, &targets, error, sizeof error);
    draw_seeds(request, &targets);
    crowd(request, &targets);
    if (!result)
        mode = mode_choose(request, targets.plans, targets.n, &contradiction);
    if (result)
        command_fail(status, "%s", error);
    else if (!mode)
        command_fail_sentence(status, &contradiction);
    else if (request->dry_run)
        status = print_plans(&targets);
    else if (!(status = command_load_known(request, &known)) && !(status = check_outputs(request)))
        status = run_targets(request, mode, &targets, &known);
    known_list_clear(&known);
    target_list_clear(&targets);
    return status;
}
