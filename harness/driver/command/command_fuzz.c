/* `ftstress fuzz`: drawn calls of modules. */
#include "driver/command/command_inside.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/wire/status.h"
#include "driver/fuzz/fuzz.h"

#define TIME (600 * CLOCK_SECOND)

static int run_known(struct mode_run *mode, const struct request *request, struct known_list *known)
{
    struct run run = {0};
    struct sentence error;
    json_auto_t *report = NULL;
    uint64_t time = REQUEST_GAVE(request, plan.time) ? request->plan.time : TIME;
    struct sweep sweep = {.request = request,
                          .mode = mode,
                          .settings = command_settings(mode),
                          .deadline = clock_now() + time,
                          .jobs = 1,
                          .signals = true,
                          .known = request->known ? known : NULL,
                          .shows = isatty(STDERR_FILENO) && !request->quiet};
    struct fuzz fuzz = {.sweep = &sweep,
                        .corpus.dir = request->corpus,
                        .targets = request->positionals,
                        .ntargets = request->npositionals};
    if (!request->quiet)
        fprintf(stderr, "ftstress: seed %llu\n", (unsigned long long)request->plan.seed);
    int status = fuzz_run(&fuzz, &run, &report, &error);
    status = status ? command_fail_sentence(status, &error) : command_tell_document(&run, report, request);
    fuzz_clear(&fuzz);
    sweep_clear(&sweep);
    run_clear(&run);
    return status;
}

static int run_fuzz(struct mode_run *mode, const struct request *request)
{
    struct known_list known = {0};
    char error[640];
    int failed = request->known ? known_load(request->known, &known, error, sizeof error) : 0;
    int status = failed ? command_fail(STATUS_USAGE, "%s", error) : run_known(mode, request, &known);
    known_list_clear(&known);
    return status;
}

int command_fuzz(const struct request *request)
{
    if (request->npositionals == 0)
        return command_fail(STATUS_USAGE, "name a module or a callable; see `ftstress fuzz --help`");
    return command_run_modules(request, run_fuzz);
}
