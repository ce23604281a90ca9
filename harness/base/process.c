#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

#define QUERY 0xffffffffUL
#define FDS_MAX 8

/* A sandbox may refuse the query as well as the change. */
static unsigned read_personality(void)
{
    cleanup_free char *text = NULL;
    unsigned known = 0;
    int now = personality(QUERY);
    if (now >= 0)
        return (unsigned)now;
    if (fd_read_file("/proc/self/personality", &text, NULL) == 0)
        sscanf(text, "%x", &known);
    return known;
}

static bool fix_layout(void)
{
    unsigned now = read_personality();
    return now & ADDR_NO_RANDOMIZE ||
           (personality(now | ADDR_NO_RANDOMIZE) >= 0 && read_personality() & ADDR_NO_RANDOMIZE);
}

/* NOLINTBEGIN(concurrency-mt-unsafe): fork leaves one thread */
static void apply_environment(const char *const *environment)
{
    for (; environment && *environment; environment++)
        if (strchr(*environment, '='))
            putenv((char *)*environment);
        else
            unsetenv(*environment);
}

static void apply_launch(const struct process *process)
{
    const struct launch *launch = process->launch;
    struct rlimit limit;
    apply_environment(process->environment);
    if (!launch)
        return;
    apply_environment(launch->environment);
    if (launch->fixed_layout)
        fix_layout();
    if (launch->no_address_limit && getrlimit(RLIMIT_AS, &limit) == 0)
        setrlimit(RLIMIT_AS, &(struct rlimit){limit.rlim_max, limit.rlim_max});
    if (launch->file_size > 0) {
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){launch->file_size, launch->file_size});
        signal(SIGXFSZ, SIG_IGN); /* the write fails instead, as it does in Python */
    }
    if (launch->folder && chdir(launch->folder) < 0)
        putenv((char *)"PWD=");
}

/* The first number above all that the program is given. */
static int first_high(const struct process *process)
{
    int high = STDERR_FILENO + 1;
    for (size_t i = 0; i < process->nfds; i++)
        if (process->fds[i].own >= 0 && process->fds[i].as >= high)
            high = process->fds[i].as + 1;
    return high;
}

/* Moves all to high numbers first: none of the low ones may be overwritten before it is moved. Returns false, with
 * errno, where the limit on open files leaves no room. */
static bool place_descriptors(const struct process *process)
{
    int high[FDS_MAX], first = first_high(process);
    int null = fcntl(open("/dev/null", O_RDONLY | O_CLOEXEC), F_DUPFD_CLOEXEC, first);
    bool placed = null >= 0;
    for (size_t i = 0; i < process->nfds; i++) {
        high[i] = process->fds[i].own < 0 ? -1 : fcntl(process->fds[i].own, F_DUPFD_CLOEXEC, first);
        placed &= process->fds[i].own < 0 || high[i] >= 0;
    }
    placed = placed && dup2(null, STDIN_FILENO) >= 0;
    for (size_t i = 0; placed && i < process->nfds; i++)
        placed = high[i] < 0 || dup2(high[i], process->fds[i].as) >= 0;
    return placed;
}

/* Writes its errno to `report`, which exec closes. */
static _Noreturn void become(const struct process *process, pid_t parent, int report)
{
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    apply_launch(process);
    int far = fcntl(report, F_DUPFD_CLOEXEC, first_high(process));
    report = far < 0 ? report : far;
    if (far >= 0 && place_descriptors(process))
        execv(process->argv[0], (char *const *)process->argv);
    fd_write_all(report, &errno, sizeof errno);
    _exit(1);
}

/* NOLINTEND(concurrency-mt-unsafe) */

pid_t process_start(const struct process *process)
{
    int ends[2], error = 0;
    pid_t parent = getpid();
    if (process->nfds > FDS_MAX)
        return -EINVAL;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(process, parent, ends[1]);
    error = pid < 0 ? errno : 0;
    close(ends[1]);
    if (!error && read(ends[0], &error, sizeof error) > 0)
        waitpid(pid, NULL, 0);
    close(ends[0]);
    return error ? -error : pid;
}

int process_watch(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

bool process_can_fix_layout(void)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fix_layout() ? 0 : 1);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return pid > 0 && status == 0;
}
