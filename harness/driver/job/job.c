/* Supervises a child and fills its outcome. See job.h for the contract. */
#include "driver/job/job_inside.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"
#include "driver/job/look.h"

#define TICK_MS 25
#define REAP_MS 200

static void read_events(struct job *job)
{
    static void (*const readers[])(struct job *) = {job_read_wire, job_read_stderr, job_take_signal,
                                                    job_read_races};
    struct pollfd fds[] = {
        {.fd = job->wire, .events = POLLIN},
        {.fd = job->err, .events = POLLIN},
        {.fd = job->settings->signals, .events = POLLIN},
        {.fd = job->races, .events = POLLIN},
        {.fd = job->end, .events = POLLIN}, /* no reader: it only ends the wait */
    };
    poll(fds, 5, job->gone ? 0 : TICK_MS);
    for (size_t i = 0; i < 4; i++)
        if (fds[i].revents)
            readers[i](job);
}

/* Kills and reaps what is left of the child's group: processes that it has forked become this one's. Does not wait for
 * those that the kernel keeps. */
static void end_group(const struct job *job)
{
    kill(-job->pid, SIGKILL);
    const struct timespec nap = {.tv_nsec = 1000000};
    for (int i = 0; i < REAP_MS; i++) {
        pid_t reaped = waitpid(-job->pid, NULL, WNOHANG);
        if (reaped < 0)
            return;
        if (reaped == 0)
            nanosleep(&nap, NULL);
    }
}

/* Returns when the child is reaped and its output is read. A grandchild that keeps the pipes open does not delay it. */
static void supervise(struct job *job)
{
    while (!job->gone) {
        read_events(job);
        job_watch(job);
        if (waitpid(job->pid, &job->outcome->wait_status, WNOHANG) == job->pid)
            job->gone = true;
    }
    end_group(job);
    job_read_rest(job);
}

static void keep_tool_log(struct job *job)
{
    struct stat info;
    if (job->tool_fd < 0 || fstat(job->tool_fd, &info) < 0 || info.st_size == 0)
        return;
    void *log = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, job->tool_fd, 0);
    if (log == MAP_FAILED)
        return;
    job->outcome->tool_log = log;
    job->outcome->tool_log_size = (size_t)info.st_size;
}

static void fill_outcome(struct job *job)
{
    struct outcome *outcome = job->outcome;
    uint64_t ran = atomic_load(&job->board->run_began);
    outcome->seconds_to_run = ran > job->began ? clock_seconds(ran - job->began) : 0;
    job_note_hit(job);
    keep_tool_log(job);
    board_sum(job->board, &outcome->totals);
    if (!job->looked)
        look_at_pages(job->board, outcome);
    board_overlap(job->board, &outcome->overlap);
    outcome->processes = atomic_load(&job->board->forks);
    outcome->processes_time = atomic_load(&job->board->fork_time);
    for (unsigned i = 0; i < job->plan->threads && i < PLAN_THREADS_MAX; i++)
        outcome->workers[i].inside = board_inside(job->board, i, &outcome->workers[i].calls);
    if (!outcome->hung) /* it may have gone on since */
        outcome->phase = atomic_load(&job->board->phase);
    outcome->wire_lost = atomic_load(&job->board->wire_lost);
    outcome->unfit = atomic_load(&job->board->unfit);
    outcome->limited = atomic_load(&job->board->limited);
    snprintf(outcome->leaving, sizeof outcome->leaving, "%s", job->board->leaving);
    outcome->handled = (int)atomic_load(&job->board->handled);
    outcome->own_signal = (int)atomic_load(&job->board->own_signal);
    outcome->seconds = clock_seconds(clock_now() - job->began);
    if (asprintf(&outcome->stderr_text, "%.*s%.*s", (int)job->nhead, job->head, (int)job->ntail, job->tail) <
        0)
        outcome->stderr_text = NULL;
    if (job->settings->tick)
        job->settings->tick(job->settings->context, &outcome->totals);
}

int job_run(const struct plan *plan, const struct job_settings *settings, struct outcome *outcome)
{
    struct job job = {.settings = settings,
                      .plan = plan,
                      .outcome = outcome,
                      .wire = -1,
                      .err = -1,
                      .races = -1,
                      .end = -1,
                      .log = {.take = job_take_race, .context = &job},
                      .tool_fd = -1,
                      .head = malloc(OUTCOME_STDERR_HALF),
                      .tail = malloc(OUTCOME_STDERR_HALF)};
    *outcome = (struct outcome){0};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int error = job.head && job.tail ? job_start(&job) : -ENOMEM;
    if (!error) {
        supervise(&job);
        fill_outcome(&job);
    }
    record_reader_clear(&job.reader);
    pulse_clear(&job.pulse);
    standstill_clear(&job.standstill);
    board_close(job.board);
    fd_close(&job.wire);
    fd_close(&job.err);
    fd_close(&job.races);
    fd_close(&job.end);
    fd_close(&job.tool_fd);
    free(job.head);
    free(job.tail);
    return error;
}
