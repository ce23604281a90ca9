/* See job.h for the contract. */
#include "driver/job.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/resident.h"
#include "driver/log_rule.h"
#include "driver/look.h"
#include "driver/tsan.h"

#define TICK_MS 100
#define STDERR_READ 8192
#define CARRY 512
#define MILLISECOND UINT64_C(1000000)
/* Imports can be slow without being stuck. */
#define SETUP_TIMEOUT (60 * CLOCK_SECOND)
/* The ladder: from asking to SIGTERM, and from there to SIGKILL. */
#define ASK_GRACE (2 * CLOCK_SECOND)
#define TERM_GRACE (1 * CLOCK_SECOND)
/* Under ThreadSanitizer all wait while its symboliser, another process, reads debug information. */
#define TSAN_PATIENCE 10

struct job {
    const struct job_settings *settings;
    const struct plan *plan;
    struct outcome *outcome;
    pid_t pid;
    int wire, err, races, plan_fd, board_fd, tool_fd;
    struct board *board;
    struct record_reader reader;
    struct tsan_log log; /* of what comes through `races` */
    char *head, *tail;   /* halves of standard error */
    size_t nhead, ntail;
    char carry[CARRY]; /* the end of what was read last */
    size_t ncarry;
    uint64_t began, moved_at;
    uint64_t running_since;       /* setup is over since then */
    uint64_t asked_at, termed_at; /* rungs of the ladder; 0: not yet */
    uint64_t progress, cpu;
    bool looked, gone;
};

static void child_fd(int fd, int as)
{
    if (fd == as)
        fcntl(fd, F_SETFD, 0);
    else
        dup2(fd, as);
}

enum { CHILD_WIRE = 3, CHILD_BOARD, CHILD_PLAN, CHILD_RACES, CHILD_TOOL = JOB_TOOL_FD };

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

static int start(struct job *job)
{
    int wire[2], err[2], races[2] = {-1, -1};
    int error = write_plan(job->plan, &job->plan_fd);
    if (!error)
        error = board_create(&job->board_fd, &job->board);
    if (!error && job->settings->tool && (job->tool_fd = memfd_create("tool.log", MFD_CLOEXEC)) < 0)
        error = -errno;
    if (error)
        return error;
    if (pipe2(wire, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 ||
        (job->settings->tsan && pipe2(races, O_CLOEXEC) < 0))
        return -errno;
    pid_t parent = getpid();
    fflush(NULL);
    job->pid = fork();
    if (job->pid == 0)
        exec_child(job, wire[1], err[1], races[1], parent);
    close(wire[1]);
    close(err[1]);
    fd_close(&races[1]);
    job->wire = wire[0];
    job->err = err[0];
    job->races = races[0];
    if (job->pid < 0)
        return -errno;
    setpgid(job->pid, job->pid);
    fcntl(job->wire, F_SETFL, O_NONBLOCK);
    fcntl(job->err, F_SETFL, O_NONBLOCK);
    if (job->races >= 0)
        fcntl(job->races, F_SETFL, O_NONBLOCK);
    job->began = job->moved_at = job->running_since = clock_now();
    return 0;
}

/* The first half is kept as it comes, the last half as a window that moves. */
static void keep_stderr(struct job *job, const char *bytes, size_t n)
{
    size_t room = OUTCOME_STDERR_HALF - job->nhead, first = n < room ? n : room;
    memcpy(job->head + job->nhead, bytes, first);
    job->nhead += first;
    bytes += first;
    n -= first;
    if (n > OUTCOME_STDERR_HALF) {
        bytes += n - OUTCOME_STDERR_HALF;
        n = OUTCOME_STDERR_HALF;
    }
    size_t over = job->ntail + n > OUTCOME_STDERR_HALF ? job->ntail + n - OUTCOME_STDERR_HALF : 0;
    memmove(job->tail, job->tail + over, job->ntail - over);
    job->ntail -= over;
    memcpy(job->tail + job->ntail, bytes, n);
    job->ntail += n;
}

/* Threads that live on while one crashes may flood the evidence out of both halves: the first sentence that the log
 * detector knows is kept by itself. A line cut by the last read is seen with the end of that read in front. */
static void keep_sentence(struct job *job, const char *bytes, size_t n)
{
    char text[CARRY + STDERR_READ];
    if (job->outcome->sentence)
        return;
    memcpy(text, job->carry, job->ncarry);
    memcpy(text + job->ncarry, bytes, n);
    size_t size = job->ncarry + n;
    const char *end = memrchr(text, '\n', size);
    char *lines = end ? strndup(text, (size_t)(end - text)) : NULL;
    log_rule_find(lines, &job->outcome->sentence);
    free(lines);
    job->ncarry = size < CARRY ? size : CARRY;
    memcpy(job->carry, text + size - job->ncarry, job->ncarry);
}

static void read_stderr(struct job *job)
{
    char bytes[STDERR_READ];
    ssize_t n;
    while ((n = read(job->err, bytes, sizeof bytes)) > 0) {
        /* Text from here on: a NUL would hide what follows it. */
        for (ssize_t i = 0; i < n; i++)
            if (!bytes[i])
                bytes[i] = '?';
        keep_stderr(job, bytes, (size_t)n);
        keep_sentence(job, bytes, (size_t)n);
    }
    if (n == 0)
        fd_close(&job->err);
}

/* What the serial pass saw, and what is expected of statements that change what they share, is no hit. */
static bool is_evidence(const struct record *record)
{
    switch (record->type) {
    case RECORD_EXCEPTION:
        return !record->values[EXCEPTION_SERIAL] && !record->values[EXCEPTION_MUTABLE];
    case RECORD_INVARIANT:
        return !record->values[INVARIANT_SERIAL];
    case RECORD_WRITE:
        return !record->values[WRITE_SERIAL] && !record->values[WRITE_KEPT];
    case RECORD_CRASH:
    case RECORD_HEAP:
    case RECORD_CORRUPT:
    case RECORD_DIVERGE:
        return true;
    default:
        return false;
    }
}

/* How long the threads had been at it. */
static void note_hit(struct job *job)
{
    struct outcome *outcome = job->outcome;
    struct board_totals totals;
    uint64_t began = atomic_load(&job->board->run_began);
    if (began == 0 || outcome->seconds_to_hit > 0)
        return;
    board_sum(job->board, &totals);
    outcome->calls_to_hit = totals.calls;
    outcome->seconds_to_hit = clock_seconds(clock_now() - began);
}

static void take_race(void *context, struct tsan_report *report)
{
    struct job *job = context;
    if (!tsan_is_canary(report)) {
        outcome_add_race(job->outcome, report);
        return;
    }
    job->outcome->canary = true;
    tsan_report_free(report);
}

static void read_races(struct job *job)
{
    char bytes[STDERR_READ];
    ssize_t n;
    while ((n = read(job->races, bytes, sizeof bytes)) > 0)
        tsan_log_feed(&job->log, bytes, (size_t)n);
    if (n == 0)
        fd_close(&job->races);
}

static void read_wire(struct job *job)
{
    struct record record;
    int n;
    do {
        n = record_read(&job->reader, job->wire);
        int more;
        while ((more = record_next(&job->reader, &record)) > 0) {
            if (is_evidence(&record))
                note_hit(job);
            outcome_add(job->outcome, &record);
        }
        if (more < 0)
            n = 0;
    } while (n > 0);
    if (n == 0)
        fd_close(&job->wire);
}

/* CPU time of the process in clock ticks; 0 when it is gone. */
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

/* The threads of a process that stands still, once. */
static void look_at_threads(struct job *job)
{
    if (job->looked)
        return;
    job->looked = true;
    look_at_child(job->pid, job->board, !job->settings->tool, job->outcome);
}

static void kill_group(const struct job *job)
{
    kill(-job->pid, SIGKILL);
    kill(job->pid, SIGKILL);
}

static void ask(struct job *job)
{
    atomic_store(&job->board->ask, 1);
    if (!job->asked_at)
        job->asked_at = clock_now();
}

/* A call may be slow without being stuck: what one thread needed for it, times what the crowd makes of that. */
static uint64_t patience(const struct job *job, enum board_phase phase)
{
    const struct tool *tool = job->settings->tool;
    uint64_t limit = job->settings->timeout * (tool ? tool->patience : 1);
    uint64_t slowest = atomic_load(&job->board->slowest);
    uint64_t crowd = job->plan->threads / (uint64_t)sysconf(_SC_NPROCESSORS_ONLN) + 1;
    if (phase <= BOARD_SETUP && limit < SETUP_TIMEOUT)
        limit = SETUP_TIMEOUT;
    if (phase > BOARD_SERIAL && 10 * slowest * crowd > limit)
        limit = 10 * slowest * crowd;
    return limit * (job->settings->tsan ? TSAN_PATIENCE : 1);
}

static void end_as_hung(struct job *job, enum board_phase phase)
{
    if (job->outcome->hung)
        return;
    job->outcome->hung = true;
    job->outcome->phase = phase;
    look_at_threads(job);
    ask(job);
}

/* No progress: asleep is a deadlock at once, busy may be a long collection and gets four times as long. One thread that
 * is busy waits for nobody: its call is long, and the run's time ends it. */
static void watch_progress(struct job *job, uint64_t now, const struct board_totals *totals)
{
    uint64_t cpu = cpu_of(job->pid);
    if (totals->progress != job->progress || atomic_load(&job->board->crashed)) {
        job->progress = totals->progress;
        job->moved_at = now;
        job->cpu = cpu;
        return;
    }
    enum board_phase phase = atomic_load(&job->board->phase);
    uint64_t limit = patience(job, phase), idle = now - job->moved_at;
    bool busy = (cpu - job->cpu) * (CLOCK_SECOND / (uint64_t)sysconf(_SC_CLK_TCK)) > idle / 20;
    if (idle < limit || (busy && (phase <= BOARD_SERIAL || idle < 4 * limit)))
        return;
    end_as_hung(job, phase);
}

/* A child ends by itself when its time is over. Where it does not, because a call among threads or Python's end never
 * returns, that is a hang, however busy; Python's end may take longer than a call. */
static void watch_time(struct job *job, uint64_t now)
{
    enum board_phase phase = atomic_load(&job->board->phase);
    if (phase <= BOARD_SETUP)
        job->running_since = now;
    uint64_t limit = patience(job, phase), over = job->running_since + job->plan->time;
    bool counted = job->settings->lengths && job->settings->lengths[0] > 0;
    if (!job->plan->time || counted || job->asked_at || now < over + limit)
        return;
    if (phase <= BOARD_SERIAL) {
        job->outcome->overran = true;
        ask(job);
    } else if (now >= job->moved_at + (phase == BOARD_FINISH ? 4 : 1) * limit) {
        end_as_hung(job, phase);
    }
}

static void climb_ladder(struct job *job, uint64_t now)
{
    if (job->termed_at && now > job->termed_at + TERM_GRACE)
        kill_group(job);
    if (job->termed_at || !job->asked_at || now < job->asked_at + ASK_GRACE)
        return;
    job->termed_at = now;
    kill(job->pid, SIGTERM);
}

static void watch_memory(struct job *job)
{
    if (!job->settings->memory || resident_bytes(job->pid) <= job->settings->memory)
        return;
    job->outcome->over_memory = true;
    kill_group(job);
}

/* The first Ctrl-C asks, the second kills. */
static void take_signal(struct job *job)
{
    struct signalfd_siginfo info;
    if (read(job->settings->signals, &info, sizeof info) != sizeof info)
        return;
    if (job->outcome->interrupted)
        kill_group(job);
    job->outcome->interrupted = true;
    ask(job);
}

static void watch(struct job *job)
{
    uint64_t now = clock_now();
    struct board_totals totals;
    board_sum(job->board, &totals);
    watch_progress(job, now, &totals);
    watch_memory(job);
    if (atomic_load(&job->board->crashed) && !atomic_load(&job->board->go_on)) {
        look_at_threads(job);
        atomic_store(&job->board->go_on, 1);
    }
    watch_time(job, now);
    climb_ladder(job, now);
    if (job->settings->tick)
        job->settings->tick(job->settings->context, &totals);
}

static void wait_for_something(struct job *job)
{
    struct pollfd fds[] = {
        {.fd = job->wire, .events = POLLIN},
        {.fd = job->err, .events = POLLIN},
        {.fd = job->settings->signals, .events = POLLIN},
        {.fd = job->races, .events = POLLIN},
    };
    poll(fds, 4, job->gone ? 0 : TICK_MS);
    if (fds[0].revents)
        read_wire(job);
    if (fds[1].revents)
        read_stderr(job);
    if (fds[2].revents)
        take_signal(job);
    if (fds[3].revents)
        read_races(job);
}

/* Ends when the child is reaped and what it wrote is read; a grandchild that holds the pipes open is not waited for. */
static void supervise(struct job *job)
{
    while (!job->gone) {
        wait_for_something(job);
        watch(job);
        if (waitpid(job->pid, &job->outcome->wait_status, WNOHANG) == job->pid)
            job->gone = true;
    }
    kill(-job->pid, SIGKILL);
    if (job->wire >= 0)
        read_wire(job);
    if (job->err >= 0)
        read_stderr(job);
    if (job->races >= 0)
        read_races(job);
    tsan_log_finish(&job->log);
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

static void conclude(struct job *job)
{
    struct outcome *outcome = job->outcome;
    uint64_t ran = atomic_load(&job->board->run_began);
    outcome->seconds_to_run = ran > job->began ? clock_seconds(ran - job->began) : 0;
    note_hit(job);
    keep_tool_log(job);
    board_sum(job->board, &outcome->totals);
    if (!job->looked)
        look_at_pages(job->board, outcome);
    board_overlap(job->board, &outcome->overlap);
    for (unsigned i = 0; i < job->plan->threads && i < PLAN_THREADS_MAX; i++)
        outcome->workers[i].inside = board_inside(job->board, i, &outcome->workers[i].calls);
    if (!outcome->hung) /* it may have come to its senses since */
        outcome->phase = atomic_load(&job->board->phase);
    outcome->serial_calls = outcome->totals.serial;
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
                      .log = {.take = take_race, .context = &job},
                      .plan_fd = -1,
                      .board_fd = -1,
                      .tool_fd = -1,
                      .head = malloc(OUTCOME_STDERR_HALF),
                      .tail = malloc(OUTCOME_STDERR_HALF)};
    *outcome = (struct outcome){0};
    int error = job.head && job.tail ? start(&job) : -ENOMEM;
    if (!error) {
        supervise(&job);
        conclude(&job);
    }
    record_reader_clear(&job.reader);
    board_close(job.board);
    fd_close(&job.board_fd);
    fd_close(&job.plan_fd);
    fd_close(&job.wire);
    fd_close(&job.err);
    fd_close(&job.races);
    fd_close(&job.tool_fd);
    free(job.head);
    free(job.tail);
    return error;
}
