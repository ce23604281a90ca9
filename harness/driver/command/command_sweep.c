/* `ftstress sweep` and `ftstress fuzz`: the public callables of modules. */
#include "driver/command/command_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/wire/status.h"
#include "driver/fuzz/fuzz.h"

#define FUZZ_TIME (600 * CLOCK_SECOND)

static struct sweep prepare(struct mode_run *mode, const struct request *request, struct known_list *known,
                            uint64_t usual)
{
    uint64_t time = REQUEST_GAVE(request, plan.time) ? request->plan.time : usual; /* 0: no limit */
    return (struct sweep){.request = request,
                          .mode = mode,
                          .known = known,
                          .settings = command_settings(mode),
                          .deadline = time ? clock_now() + time : 0,
                          .shows = isatty(STDERR_FILENO) && !request->quiet};
}

static int run_sweep(struct mode_run *mode, const struct request *request, struct known_list *known)
{
    struct run run = {0};
    struct sentence error;
    json_auto_t *report = NULL;
    struct sweep sweep = prepare(mode, request, known, 0);
    sweep.modules = request->positionals;
    sweep.nmodules = request->npositionals;
    sweep.jobs = command_jobs(request);
    int status = sweep_run(&sweep, &run, &report, &error);
    status = status ? command_fail_sentence(status, &error) : command_tell_document(&run, report, request);
    sweep_clear(&sweep);
    run_clear(&run);
    return status;
}

static int run_fuzz(struct mode_run *mode, const struct request *request, struct known_list *known)
{
    struct run run = {0};
    struct sentence error;
    json_auto_t *report = NULL;
    struct sweep sweep = prepare(mode, request, known, FUZZ_TIME);
    sweep.jobs = 1;
    sweep.signals = true;
    struct fuzz fuzz = {.sweep = &sweep,
                        .corpus.dir = request->corpus,
                        .targets = request->positionals,
                        .ntargets = request->npositionals};
    if (!request->quiet)
        fprintf(stderr, "ftstress: seed %llu\n", (unsigned long long)request->plan.seed);
    int status = fuzz_run(&fuzz, &run, &report, &error);
    if (status)
        status = command_fail_sentence(status, &error);
    else if ((status = command_tell_document(&run, report, request)) != STATUS_HARNESS)
        fuzz_end(&fuzz);
    fuzz_clear(&fuzz);
    sweep_clear(&sweep);
    run_clear(&run);
    return status;
}

/* Opens the mode, loads known findings, draws a seed, and calls `run`. Returns an exit status. */
static int run_modules(const struct request *request,
                       int (*run)(struct mode_run *mode, const struct request *request,
                                  struct known_list *known))
{
    struct request own = *request;
    struct plan plan;
    struct known_list known = {0};
    struct sentence error;
    command_hold_signals();
    if (!REQUEST_GAVE(request, plan.seed) && getrandom(&own.plan.seed, sizeof(uint32_t), 0) < 0)
        own.plan.seed = clock_now();
    int status = command_load_known(request, &known);
    if (status) {
        known_list_clear(&known);
        return status;
    }
    plan_init(&plan);
    struct mode_run mode = {.row = mode_choose(&own, &plan, 1, &error), .request = &own};
    status = mode.row ? mode_open(&mode, &plan, 1, &error) : STATUS_USAGE;
    status = status ? command_fail_sentence(status, &error) : run(&mode, &own, &known);
    if (mode.row)
        mode_close(&mode);
    plan_clear(&plan);
    known_list_clear(&known);
    return status;
}

int command_sweep(const struct request *request)
{
    if (request->npositionals == 0)
        return command_fail(STATUS_USAGE, "name a module; see `ftstress sweep --help`");
    return run_modules(request, run_sweep);
}

int command_fuzz(const struct request *request)
{
    if (request->npositionals == 0)
        return command_fail(STATUS_USAGE, "name a module or a callable; see `ftstress fuzz --help`");
    return run_modules(request, run_fuzz);
}
