/* `ftstress sweep`: every public callable of modules. */
#include "driver/command/command_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/wire/status.h"
#include "driver/sweep/sweep.h"

#define TIME (1800 * CLOCK_SECOND)

static int run_sweep(struct mode_run *mode, const struct request *request)
{
    struct run run = {0};
    struct sentence error;
    json_auto_t *report = NULL;
    uint64_t time = REQUEST_GAVE(request, plan.time) ? request->plan.time : TIME;
    struct sweep sweep = {.request = request,
                          .mode = mode,
                          .settings = command_settings(mode),
                          .modules = request->positionals,
                          .nmodules = request->npositionals,
                          .deadline = clock_now() + time,
                          .jobs = command_jobs(request),
                          .shows = isatty(STDERR_FILENO) && !request->quiet};
    int status = sweep_run(&sweep, &run, &report, &error);
    status = status ? command_fail_sentence(status, &error) : command_tell_document(&run, report, request);
    sweep_clear(&sweep);
    run_clear(&run);
    return status;
}

int command_run_modules(const struct request *request, command_modules_function *run)
{
    struct request own = *request;
    struct plan plan;
    struct sentence error;
    command_hold_signals();
    if (!REQUEST_GAVE(request, plan.seed) && getrandom(&own.plan.seed, sizeof(uint32_t), 0) < 0)
        own.plan.seed = clock_now();
    plan_init(&plan);
    struct mode_run mode = {.row = mode_choose(&own, &plan, 1, &error), .request = &own};
    int status = mode.row ? mode_open(&mode, &plan, 1, &error) : STATUS_USAGE;
    status = status ? command_fail_sentence(status, &error) : run(&mode, &own);
    if (mode.row)
        mode_close(&mode);
    plan_clear(&plan);
    return status;
}

int command_sweep(const struct request *request)
{
    if (request->npositionals == 0)
        return command_fail(STATUS_USAGE, "name a module; see `ftstress sweep --help`");
    return command_run_modules(request, run_sweep);
}
