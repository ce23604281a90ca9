/* Starts the child of a plan: files, pipes, arguments. See job.h for the contract. */
#include "driver/job/job_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"

enum { CHILD_WIRE = 3, CHILD_BOARD, CHILD_PLAN, CHILD_RACES, CHILD_TOOL = JOB_TOOL_FD };

#define ARGUMENTS_MAX 48

/* glibc prints the reasons of its aborts on the terminal otherwise; faulthandler would replace the child's handlers. */
static const char *const environment[] = {"LIBC_FATAL_STDERR_=1", "PYTHONUNBUFFERED=1", "PYTHONFAULTHANDLER",
                                          NULL};

/* The tool, if there is one, and the child with its arguments. */
static void fill_arguments(const struct job_settings *settings, const char *lengths,
                           const char *argv[static ARGUMENTS_MAX])
{
    const char *const fixed[] = {settings->child, "--wire", "3", "--board", "4", "-p", settings->python};
    int n = 0;
    for (int i = 0; settings->under && settings->under[i]; i++)
        argv[n++] = settings->under[i];
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        argv[n++] = fixed[i];
    if (settings->reads_races)
        argv[n++] = "--races=6";
    if (settings->gil || settings->allow_gil)
        argv[n++] = settings->gil ? "--gil" : "--allow-gil";
    if (lengths[0])
        argv[n++] = lengths;
    argv[n++] = "/proc/self/fd/5";
    argv[n] = NULL;
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
        (!job->settings->reads_races || pipe2(pipes->races, O_CLOEXEC) == 0))
        return 0;
    int error = -errno;
    close_ends(pipes, 0);
    close_ends(pipes, 1);
    return error;
}

/* Opens the files that the child inherits. On failure the job closes those that are open. */
static int open_files(struct job *job)
{
    int error = write_plan(job->plan, &job->plan_fd);
    if (!error)
        error = board_create(&job->board_fd, &job->board);
    if (!error && job->settings->under && (job->tool_fd = memfd_create("tool.log", MFD_CLOEXEC)) < 0)
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

static pid_t start_child(const struct job *job, const struct pipes *pipes)
{
    const struct job_settings *settings = job->settings;
    const struct process_fd fds[] = {
        {pipes->err[1], STDOUT_FILENO}, {pipes->err[1], STDERR_FILENO}, {pipes->wire[1], CHILD_WIRE},
        {job->board_fd, CHILD_BOARD},   {job->plan_fd, CHILD_PLAN},     {pipes->races[1], CHILD_RACES},
        {job->tool_fd, CHILD_TOOL},
    };
    const char *argv[ARGUMENTS_MAX];
    char lengths[64] = "";
    if (settings->lengths)
        snprintf(lengths, sizeof lengths, "--lengths=%" PRIu64 ",%" PRIu64, settings->lengths[0],
                 settings->lengths[1]);
    fill_arguments(settings, lengths, argv);
    return process_start(&(struct process){.argv = argv,
                                           .environment = environment,
                                           .launch = &settings->launch,
                                           .fds = fds,
                                           .nfds = sizeof fds / sizeof *fds});
}

int job_start(struct job *job)
{
    struct pipes pipes;
    int error = open_files(job);
    if (!error)
        error = open_pipes(job, &pipes);
    if (error)
        return error;
    job->pid = start_child(job, &pipes);
    close_ends(&pipes, 1);
    keep_ends(job, &pipes);
    if (job->pid < 0)
        return job->pid;
    job->began = job->moved_at = job->running_since = clock_now();
    return 0;
}
