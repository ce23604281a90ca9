/* What children of all commands run with, and the lists of known findings. */
#include "driver/command/command_inside.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/wire/status.h"
#include "driver/finding/known.h"

static void fill_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

void command_hold_signals(void)
{
    sigset_t set;
    fill_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static int open_signals(void)
{
    sigset_t set;
    fill_signals(&set);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

struct job_settings command_settings(const struct mode_run *mode)
{
    const struct request *request = mode->request;
    uint64_t half = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
    return (struct job_settings){.child = mode->child,
                                 .python = mode->probe.executable,
                                 .allow_gil = request->allow_gil,
                                 .launch = mode->launch,
                                 .timeout = request->timeout,
                                 .memory = request->memory ? request->memory : half,
                                 .signals = open_signals()};
}

unsigned command_jobs(const struct request *request)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t jobs = request->jobs ? request->jobs : cores > 0 ? (uint64_t)cores : 1;
    return (unsigned)(jobs < REQUEST_JOBS_MAX ? jobs : REQUEST_JOBS_MAX);
}

int command_load_known(const struct request *request, struct known_list *list)
{
    char error[640];
    int result = 0;
    if (request->update_baseline && !request->baseline)
        return command_fail(STATUS_USAGE, "--update-baseline needs the file: name it with --baseline");
    if (request->known)
        result = known_load(request->known, false, list, error, sizeof error);
    if (!result && request->baseline && request->update_baseline && access(request->baseline, F_OK) < 0 &&
        errno == ENOENT)
        list->has_baseline = true;
    else if (!result && request->baseline)
        result = known_load(request->baseline, true, list, error, sizeof error);
    if (!result && request->update_baseline && (result = fd_can_write(request->baseline)) < 0)
        return command_fail(STATUS_HARNESS, "cannot write %s: %s; name another file with --baseline",
                            request->baseline, strerror(-result));
    return result ? command_fail(STATUS_USAGE, "%s", error) : 0;
}
