/* Starts the child of a plan: files, pipes, arguments. See job.h for the contract. */
#include "driver/job/job_inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"

enum { CHILD_WIRE = 3, CHILD_BOARD, CHILD_PLAN, CHILD_RACES, CHILD_TOOL = JOB_TOOL_FD };

#define ARGUMENTS_MAX 48

/* glibc prints the reasons of its aborts on the terminal otherwise; faulthandler would replace the child's handlers.
 * PYTHON_GIL of the user's environment overrides what the child requests for a control run. */
#define COMMON "LIBC_FATAL_STDERR_=1", "PYTHONUNBUFFERED=1", "PYTHONFAULTHANDLER"
static const char *const environment[] = {COMMON, NULL};
static const char *const environment_gil[] = {COMMON, "PYTHON_GIL=1", NULL};

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
    if (!error && (*ret_fd = memfd_create("plan.yaml", MFD_CLOEXEC)) < 0)
        error = -errno;
    if (!error)
        error = fd_write_all(*ret_fd, text, strlen(text));
    lseek(*ret_fd, 0, SEEK_SET);
    return error;
}

static pid_t start_child(const struct job_settings *settings, const struct process_fd *fds, size_t nfds)
{
    const char *argv[ARGUMENTS_MAX];
    char lengths[64] = "";
    if (settings->lengths)
        snprintf(lengths, sizeof lengths, "--lengths=%" PRIu64 ",%" PRIu64, settings->lengths[0],
                 settings->lengths[1]);
    fill_arguments(settings, lengths, argv);
    return process_start(&(struct process){.argv = argv,
                                           .environment = settings->gil ? environment_gil : environment,
                                           .launch = &settings->launch,
                                           .fds = fds,
                                           .nfds = nfds});
}

int job_start(struct job *job)
{
    const struct job_settings *settings = job->settings;
    cleanup_fd int wire = -1, err = -1, races = -1, plan = -1, board = -1;
    int error = write_plan(job->plan, &plan);
    if (!error)
        error = board_create(&board, &job->board);
    if (!error && settings->under && (job->tool_fd = memfd_create("tool.log", MFD_CLOEXEC)) < 0)
        error = -errno;
    if (!error)
        error = fd_pipe(&job->wire, &wire);
    if (!error)
        error = fd_pipe(&job->err, &err);
    if (!error && settings->reads_races)
        error = fd_pipe(&job->races, &races);
    if (error)
        return error;
    const struct process_fd fds[] = {{err, STDOUT_FILENO},      {err, STDERR_FILENO}, {wire, CHILD_WIRE},
                                     {board, CHILD_BOARD},      {plan, CHILD_PLAN},   {races, CHILD_RACES},
                                     {job->tool_fd, CHILD_TOOL}};
    job->pid = start_child(settings, fds, sizeof fds / sizeof *fds);
    job->began = job->running_since = clock_now();
    if (job->pid > 0)
        job->end = process_watch(job->pid);
    return job->pid < 0 ? job->pid : 0;
}
