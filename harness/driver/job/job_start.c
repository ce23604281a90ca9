/* From a plan to a child that runs: pipes, fork, descriptors at their places, exec. See job.h for the contract. */
#include "driver/job/job_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

enum { CHILD_WIRE = 3, CHILD_BOARD, CHILD_PLAN, CHILD_RACES, CHILD_TOOL = JOB_TOOL_FD };

static void child_fd(int fd, int as)
{
    if (fd == as)
        fcntl(fd, F_SETFD, 0);
    else
        dup2(fd, as);
}

/* Objects lie where a tool sees them, as far as the interpreter can, and come in the same order in each run. */
static void settle_environment(const struct job *job)
{
    /* glibc says its allocator sentences on the terminal otherwise; faulthandler would take our handlers' place. */
    setenv("LIBC_FATAL_STDERR_", "1", 1);
    setenv("PYTHONUNBUFFERED", "1", 1);
    unsetenv("PYTHONFAULTHANDLER");
    if (!job->settings->tool)
        return;
    setenv("PYTHONHASHSEED", "0", 1);
    unsetenv("PYTHONMALLOC");
    if (job->settings->plain_malloc)
        setenv("PYTHONMALLOC", "malloc", 1);
}

/* The tool, if there is one, and the child with its arguments. */
static void run_program(const struct job *job, bool races)
{
    const struct job_settings *settings = job->settings;
    const char *argv[48];
    char lengths[64];
    int argc = 0;
    for (int i = 0; settings->tool && settings->tool_argv[i]; i++)
        argv[argc++] = settings->tool_argv[i];
    const char *const fixed[] = {settings->child, "--wire", "3", "--board", "4", "-p", settings->python};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        argv[argc++] = fixed[i];
    if (races)
        argv[argc++] = "--races=6";
    if (settings->gil || settings->allow_gil)
        argv[argc++] = settings->gil ? "--gil" : "--allow-gil";
    if (settings->lengths) {
        snprintf(lengths, sizeof lengths, "--lengths=%" PRIu64 ",%" PRIu64, settings->lengths[0],
                 settings->lengths[1]);
        argv[argc++] = lengths;
    }
    argv[argc++] = "/proc/self/fd/5";
    argv[argc] = NULL;
    execv(argv[0], (char *const *)argv);
    fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
}

static void exec_child(const struct job *job, int wire, int err, int races, pid_t parent)
{
    const struct rlimit no_core = {0, 0};
    sigset_t none;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(125);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setrlimit(RLIMIT_CORE, &no_core);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    /* High numbers first: the targets are low ones, and none may be overwritten before it is moved. */
    int high_wire = fcntl(wire, F_DUPFD, 64), high_board = fcntl(job->board_fd, F_DUPFD, 64);
    int high_plan = fcntl(job->plan_fd, F_DUPFD, 64), high_err = fcntl(err, F_DUPFD, 64);
    int high_races = races < 0 ? -1 : fcntl(races, F_DUPFD, 64);
    int high_tool = job->tool_fd < 0 ? -1 : fcntl(job->tool_fd, F_DUPFD, 64);
    child_fd(null, 0);
    child_fd(high_err, 1);
    child_fd(high_err, 2);
    child_fd(high_wire, CHILD_WIRE);
    child_fd(high_board, CHILD_BOARD);
    child_fd(high_plan, CHILD_PLAN);
    if (races >= 0)
        child_fd(high_races, CHILD_RACES);
    if (high_tool >= 0)
        child_fd(high_tool, CHILD_TOOL);
    for (int fd = 64; fd < 72; fd++)
        close(fd);
    settle_environment(job);
    run_program(job, races >= 0);
    _exit(125);
}

static int write_plan(const struct plan *plan, int *ret_fd)
{
    cleanup_free char *text = NULL;
    int error = plan_print(plan, &text);
    if (error)
        return error;
    cleanup_fd int fd = memfd_create("plan.yaml", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    error = fd_write_all(fd, text, strlen(text));
    if (error)
        return error;
    lseek(fd, 0, SEEK_SET);
    *ret_fd = fd_steal(&fd);
    return 0;
}

struct pipes {
    int wire[2], err[2], races[2];
};

static void close_ends(struct pipes *pipes, int end)
{
    fd_close(&pipes->wire[end]);
    fd_close(&pipes->err[end]);
    fd_close(&pipes->races[end]);
}

static int open_pipes(const struct job *job, struct pipes *pipes)
{
    *pipes = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(pipes->wire, O_CLOEXEC) == 0 && pipe2(pipes->err, O_CLOEXEC) == 0 &&
        (!job->settings->tsan || pipe2(pipes->races, O_CLOEXEC) == 0))
        return 0;
    int error = -errno;
    close_ends(pipes, 0);
    close_ends(pipes, 1);
    return error;
}

/* What the child is given; what is open already when this fails is the job's to close. */
static int open_files(struct job *job)
{
    int error = write_plan(job->plan, &job->plan_fd);
    if (!error)
        error = board_create(&job->board_fd, &job->board);
    if (!error && job->settings->tool && (job->tool_fd = memfd_create("tool.log", MFD_CLOEXEC)) < 0)
        error = -errno;
    return error;
}

static void keep_ends(struct job *job, const struct pipes *pipes)
{
    job->wire = pipes->wire[0];
    job->err = pipes->err[0];
    job->races = pipes->races[0];
    fcntl(job->wire, F_SETFL, O_NONBLOCK);
    fcntl(job->err, F_SETFL, O_NONBLOCK);
    if (job->races >= 0)
        fcntl(job->races, F_SETFL, O_NONBLOCK);
}

int job_start(struct job *job)
{
    struct pipes pipes;
    int error = open_files(job);
    if (!error)
        error = open_pipes(job, &pipes);
    if (error)
        return error;
    pid_t parent = getpid();
    fflush(NULL);
    job->pid = fork();
    if (job->pid == 0)
        exec_child(job, pipes.wire[1], pipes.err[1], pipes.races[1], parent);
    error = job->pid < 0 ? -errno : 0;
    close_ends(&pipes, 1);
    keep_ends(job, &pipes);
    if (error)
        return error;
    setpgid(job->pid, job->pid);
    job->began = job->moved_at = job->running_since = clock_now();
    return 0;
}
