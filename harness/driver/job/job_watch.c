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
#include "core/plan/detector_list.h"
#include "driver/job/look.h"

/* Imports can be slow without being stuck. */
#define SETUP_TIMEOUT (60 * CLOCK_SECOND)
/* A busy child gets this number of times the limit: a collection, a compilation, or Py_Finalize may be long. */
#define BUSY_LIMITS 4
/* Times from the request on the board to SIGTERM, and from there to SIGKILL. */
#define ASK_GRACE (2 * CLOCK_SECOND)
#define TERM_GRACE (1 * CLOCK_SECOND)
#define SLEEP_SHARE 10

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

/* Did a signal stop it that it did not send to itself? */
static bool is_stopped(const struct job *job)
{
    int own = (int)atomic_load(&job->board->own_signal);
    return pulse_state(caller_of(job)) == 'T' && own != SIGSTOP && own != SIGTSTP && own != SIGTTIN &&
           own != SIGTTOU;
}

static void note_still(struct job *job)
{
    const struct pulse *pulse = &job->pulse;
    job->outcome->still = (struct outcome_still){.seconds = clock_seconds(pulse->passed),
                                                 .ran = clock_seconds(pulse->ran),
                                                 .starved = clock_seconds(pulse->passed - pulse->counted)};
}

static void end_as_hung(struct job *job, enum board_phase phase)
{
    if (job->outcome->hung || job->outcome->stopped)
        return;
    note_still(job);
    job->outcome->phase = phase;
    job->outcome->stopped = is_stopped(job);
    job->outcome->hung = !job->outcome->stopped;
    if (job->outcome->hung)
        look_at_threads(job);
    else
        kill_group(job);
    ask_to_end(job);
}

static void end_as_overrun(struct job *job)
{
    note_still(job);
    job->outcome->overran = true;
    ask_to_end(job);
}

/* A child in which no thread can run again hangs at once. Another one without progress hangs after the limit when it
 * sleeps, and after several times the limit when it is busy. One busy
 * thread does not hang: its call is long, and the time of the run ends it. A setup has no time: a busy one overruns. */
static void watch_progress(struct job *job, uint64_t now, const struct board_totals *totals)
{
    struct pulse *pulse = &job->pulse;
    if (totals->progress != job->progress || atomic_load(&job->board->crashed)) {
        job->progress = totals->progress;
        pulse_reset(pulse);
        standstill_clear(&job->standstill);
        return;
    }
    pulse_look(pulse, caller_of(job), now);
    enum board_phase phase = atomic_load(&job->board->phase);
    if (!job->settings->under && !job->outcome->hung &&
        standstill_look(&job->standstill, caller_of(job), job->board, now)) {
        end_as_hung(job, phase);
        job->outcome->still.proven = true;
        kill_group(job); /* no thread of it can end it */
        return;
    }
    uint64_t limit = is_stopped(job) ? job->settings->timeout : limit_of(job, phase);
    bool busy = pulse->ran > pulse->counted / 20;
    if (pulse->counted < (busy ? BUSY_LIMITS : 1) * limit)
        return;
    if (!busy || phase > BOARD_SERIAL)
        end_as_hung(job, phase);
    else if (phase <= BOARD_SETUP && !job->asked_at)
        end_as_overrun(job);
}

/* A child ends by itself when its time is over. One that does not, because a call under threads or Py_Finalize never
 * returns, hangs even when it is busy. */
static void watch_time(struct job *job, uint64_t now)
{
    enum board_phase phase = atomic_load(&job->board->phase);
    if (phase <= BOARD_SETUP)
        job->running_since = now;
    uint64_t limit = limit_of(job, phase), over = job->running_since + job->plan->time;
    bool counted = job->settings->lengths && job->settings->lengths[0] > 0;
    if (!job->plan->time || counted || job->asked_at || now < over + limit)
        return;
    if (phase <= BOARD_SERIAL)
        end_as_overrun(job);
    else if (job->pulse.counted >= (phase == BOARD_FINISH ? BUSY_LIMITS : 1) * limit)
        end_as_hung(job, phase);
}

/* In a child that hangs asleep no thread reads a request, and a tool around it may write a report. */
static uint64_t grace_of(const struct job *job, uint64_t grace)
{
    const struct outcome *outcome = job->outcome;
    bool sleeps = outcome->hung && outcome->still.ran < outcome->still.seconds / 20;
    return sleeps && !job->settings->under ? grace / SLEEP_SHARE : grace;
}

static void press_to_end(struct job *job, uint64_t now)
{
    if (job->termed_at && now > job->termed_at + grace_of(job, TERM_GRACE))
        kill_group(job);
    if (job->termed_at || !job->asked_at || now < job->asked_at + grace_of(job, ASK_GRACE))
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
    if (job->outcome->cannot)
        ask_to_end(job);
    if (job->settings->memory && resident_bytes(caller_of(job)) > job->settings->memory) {
        job->outcome->over_memory = true;
        kill_group(job);
    }
    if (atomic_load(&job->board->crashed) && !atomic_load(&job->board->go_on)) {
        if (job->plan->detect & DETECTOR_ENDS)
            look_at_threads(job);
        atomic_store(&job->board->go_on, 1);
    }
    watch_time(job, now);
    press_to_end(job, now);
    if (job->settings->tick)
        job->settings->tick(job->settings->context, &totals);
}
