/* Ends a child: through the board, then by SIGTERM, then by killing its group. See job.h for the contract. */
#include "driver/job/job_inside.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/resident.h"
#include "driver/job/look.h"

/* Imports can be slow without being stuck. */
#define SETUP_TIMEOUT (60 * CLOCK_SECOND)
/* Times from the request on the board to SIGTERM, and from there to SIGKILL. */
#define ASK_GRACE (2 * CLOCK_SECOND)
#define TERM_GRACE (1 * CLOCK_SECOND)

/* Returns the CPU time of the process in clock ticks; 0 when it has ended. */
static uint64_t cpu_of(pid_t pid)
{
    char path[64];
    cleanup_free char *text = NULL;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (fd_read_file(path, &text, NULL) < 0)
        return 0;
    unsigned long user = 0, system = 0;
    const char *at = strrchr(text, ')');
    if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return 0;
    return user + system;
}

/* The process that makes the calls: the child, or one that it has forked. */
static pid_t caller_of(const struct job *job)
{
    pid_t fork = atomic_load(&job->board->fork);
    return fork > 0 ? fork : job->pid;
}

/* Reads the threads of a process without progress, once. */
static void look_at_threads(struct job *job)
{
    if (job->looked)
        return;
    job->looked = true;
    look_at_child(caller_of(job), job->board, !job->settings->under, job->outcome);
}

static void kill_group(const struct job *job)
{
    kill(-job->pid, SIGKILL);
    kill(job->pid, SIGKILL);
}

static void ask_to_end(struct job *job)
{
    atomic_store(&job->board->ask, 1);
    if (!job->asked_at)
        job->asked_at = clock_now();
}

/* The limit of time without progress. Slow calls raise it: by the slowest call of one thread, times the threads that
 * share a processor. */
static uint64_t limit_of(const struct job *job, enum board_phase phase)
{
    uint64_t limit = job->settings->timeout;
    uint64_t slowest = atomic_load(&job->board->slowest);
    uint64_t crowd = job->plan->threads / (uint64_t)sysconf(_SC_NPROCESSORS_ONLN) + 1;
    if (phase <= BOARD_SETUP && limit < SETUP_TIMEOUT)
        limit = SETUP_TIMEOUT;
    if (phase > BOARD_SERIAL && 10 * slowest * crowd > limit)
        limit = 10 * slowest * crowd;
    return limit * (job->settings->patience ? job->settings->patience : 1);
}

static void end_as_hung(struct job *job, enum board_phase phase)
{
    if (job->outcome->hung)
        return;
    job->outcome->hung = true;
    job->outcome->phase = phase;
    look_at_threads(job);
    ask_to_end(job);
}

/* A child without progress hangs at once when it sleeps, and after four times the limit when it is busy, because a
 * collection may be long. One busy thread does not hang: its call is long, and the time of the run ends it. */
static void watch_progress(struct job *job, uint64_t now, const struct board_totals *totals)
{
    uint64_t cpu = cpu_of(caller_of(job));
    if (totals->progress != job->progress || atomic_load(&job->board->crashed)) {
        job->progress = totals->progress;
        job->moved_at = now;
        job->cpu = cpu;
        return;
    }
    enum board_phase phase = atomic_load(&job->board->phase);
    uint64_t limit = limit_of(job, phase), idle = now - job->moved_at;
    bool busy = (cpu - job->cpu) * (CLOCK_SECOND / (uint64_t)sysconf(_SC_CLK_TCK)) > idle / 20;
    if (idle < limit || (busy && (phase <= BOARD_SERIAL || idle < 4 * limit)))
        return;
    end_as_hung(job, phase);
}

/* A child ends by itself when its time is over. One that does not, because a call under threads or Py_Finalize never
 * returns, hangs even when it is busy. Py_Finalize may take four times as long as a call. */
static void watch_time(struct job *job, uint64_t now)
{
    enum board_phase phase = atomic_load(&job->board->phase);
    if (phase <= BOARD_SETUP)
        job->running_since = now;
    uint64_t limit = limit_of(job, phase), over = job->running_since + job->plan->time;
    bool counted = job->settings->lengths && job->settings->lengths[0] > 0;
    if (!job->plan->time || counted || job->asked_at || now < over + limit)
        return;
    if (phase <= BOARD_SERIAL) {
        job->outcome->overran = true;
        ask_to_end(job);
    } else if (now >= job->moved_at + (phase == BOARD_FINISH ? 4 : 1) * limit) {
        end_as_hung(job, phase);
    }
}

static void press_to_end(struct job *job, uint64_t now)
{
    if (job->termed_at && now > job->termed_at + TERM_GRACE)
        kill_group(job);
    if (job->termed_at || !job->asked_at || now < job->asked_at + ASK_GRACE)
        return;
    job->termed_at = now;
    kill(job->pid, SIGTERM);
}

void job_take_signal(struct job *job)
{
    struct signalfd_siginfo info;
    if (read(job->settings->signals, &info, sizeof info) != sizeof info)
        return;
    if (job->outcome->interrupted)
        kill_group(job);
    job->outcome->interrupted = true;
    ask_to_end(job);
}

void job_watch(struct job *job)
{
    uint64_t now = clock_now();
    struct board_totals totals;
    board_sum(job->board, &totals);
    watch_progress(job, now, &totals);
    if (job->settings->memory && resident_bytes(caller_of(job)) > job->settings->memory) {
        job->outcome->over_memory = true;
        kill_group(job);
    }
    if (atomic_load(&job->board->crashed) && !atomic_load(&job->board->go_on)) {
        look_at_threads(job);
        atomic_store(&job->board->go_on, 1);
    }
    watch_time(job, now);
    press_to_end(job, now);
    if (job->settings->tick)
        job->settings->tick(job->settings->context, &totals);
}
