/* What children of all commands run with. */
#include "driver/command/command_inside.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

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
