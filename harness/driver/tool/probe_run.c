#include "driver/tool/probe_run.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define SLOTS 4U
#define OUTPUT_MAX (1 << 20)
#define TICK_MS 5
#define PROBE_LIMIT (20 * CLOCK_SECOND)

/* A program that runs. */
struct slot {
    struct probe_job *job; /* NULL: the slot is free */
    pid_t pid;
    uint64_t deadline;
    int end; /* readable when it has ended, or -1 */
    int fds[2];
    FILE *texts[2];
    size_t sizes[2];
};

static void slot_close(struct slot *slot)
{
    for (int i = 0; i < 2; i++) {
        fd_close(&slot->fds[i]);
        if (slot->texts[i])
            fclose(slot->texts[i]);
    }
    fd_close(&slot->end);
    slot->job = NULL;
}

static int slot_start(struct slot *slot, struct probe_job *job)
{
    char **texts[] = {&job->out, &job->err};
    struct process_fd far[] = {{-1, STDOUT_FILENO}, {-1, STDERR_FILENO}};
    int error = 0;
    if (!job->limit)
        job->limit = job->launch && job->launch->limit ? job->launch->limit : PROBE_LIMIT;
    *slot = (struct slot){.job = job, .end = -1, .fds = {-1, -1}, .deadline = clock_now() + job->limit};
    for (int i = 0; i < 2 && !error; i++) {
        slot->texts[i] = open_memstream(texts[i], &slot->sizes[i]);
        error = slot->texts[i] ? fd_pipe(&slot->fds[i], &far[i].own) : -ENOMEM;
    }
    if (!error) {
        slot->pid = process_start(&(struct process){
            .argv = (const char *const *)job->argv, .launch = job->launch, .fds = far, .nfds = 2});
        error = slot->pid < 0 ? slot->pid : 0;
        slot->end = error ? -1 : process_watch(slot->pid);
    }
    fd_close(&far[0].own);
    fd_close(&far[1].own);
    if (error)
        slot_close(slot);
    return error;
}

/* Closes a pipe after OUTPUT_MAX bytes. */
static void slot_read(struct slot *slot)
{
    char bytes[4096];
    for (int i = 0; i < 2;) {
        ssize_t n = slot->fds[i] < 0 ? 0 : read(slot->fds[i], bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n > 0 && ftell(slot->texts[i]) + n <= OUTPUT_MAX) {
            fwrite(bytes, 1, (size_t)n, slot->texts[i]);
            continue;
        }
        if (n >= 0 || errno != EAGAIN)
            fd_close(&slot->fds[i]);
        i++;
    }
}

/* Leaves the process to be reaped: until then no other one can have the number of its group. */
static bool slot_ended(const struct slot *slot)
{
    siginfo_t info = {0};
    int result = waitid(P_PID, (id_t)slot->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return result == 0 ? info.si_pid == slot->pid : errno != EINTR;
}

/* Frees the slot of a program that has ended or is late. Returns true where it did. */
static bool slot_step(struct slot *slot)
{
    bool ended = slot_ended(slot), over = ended || clock_now() >= slot->deadline;
    if (over) {
        kill(-slot->pid, SIGKILL);
        while (waitpid(slot->pid, &slot->job->status, 0) < 0 && errno == EINTR)
            continue;
        slot->job->error = ended ? 0 : -ETIMEDOUT;
    }
    slot_read(slot);
    if (over)
        slot_close(slot);
    return over;
}

/* The tick is for deadlines, and for kernels without `end`. */
static void poll_slots(const struct slot *slots)
{
    struct pollfd polled[3 * SLOTS];
    for (size_t i = 0; i < SLOTS; i++) {
        const int fds[] = {slots[i].fds[0], slots[i].fds[1], slots[i].end};
        for (size_t k = 0; k < 3; k++)
            polled[3 * i + k] = (struct pollfd){.fd = slots[i].job ? fds[k] : -1, .events = POLLIN};
    }
    poll(polled, sizeof polled / sizeof *polled, TICK_MS);
}

void probe_run(struct probe_job *jobs, size_t n)
{
    struct slot slots[SLOTS] = {0};
    size_t next = 0, running = 0;
    while (next < n || running > 0) {
        for (size_t i = 0; i < SLOTS && next < n; i++)
            if (!slots[i].job) {
                jobs[next].error = slot_start(&slots[i], &jobs[next]);
                running += jobs[next++].error == 0;
            }
        poll_slots(slots);
        for (size_t i = 0; i < SLOTS; i++)
            running -= slots[i].job && slot_step(&slots[i]);
    }
}

void probe_job_clear(struct probe_job *job)
{
    free(job->out);
    free(job->err);
    job->out = job->err = NULL;
}

char *probe_value(const char *text, const char *key)
{
    char prefix[64];
    int length = snprintf(prefix, sizeof prefix, "ftstress\t%s\t", key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, prefix, (size_t)length) == 0)
            return strndup(line + length, strcspn(line + length, "\n"));
    }
    return NULL;
}

/* Copies the last line with a letter in it: the exception of a traceback, and no empty line of Valgrind's. */
static void copy_last_line(const char *text, char *line, size_t size)
{
    const char *start = text + strlen(text);
    while (start > text && !isalpha((unsigned char)start[-1]))
        start--;
    const char *end = start + strcspn(start, "\r\n");
    while (start > text && start[-1] != '\n')
        start--;
    snprintf(line, size, "%.*s", (int)(end - start), start);
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
}

void probe_reason(const struct probe_job *job, char *text, size_t size)
{
    char said[256] = "";
    int code = WEXITSTATUS(job->status);
    if (job->err)
        copy_last_line(job->err, said, sizeof said);
    if (!said[0] && job->out)
        copy_last_line(job->out, said, sizeof said);
    if (job->error == -ETIMEDOUT)
        snprintf(text, size, "it does not end within %g s", clock_seconds(job->limit));
    else if (job->error)
        snprintf(text, size, "it cannot be started: %s", strerror(-job->error));
    else if (WIFSIGNALED(job->status))
        snprintf(text, size, "it is killed by signal %d (%s)", WTERMSIG(job->status),
                 strsignal(WTERMSIG(job->status)));
    else if (code != 0)
        snprintf(text, size, "it exits with status %d%s%s", code, said[0] ? " and says: " : "", said);
    else
        snprintf(text, size, "it says%s %s", said[0] ? ":" : "", said[0] ? said : "nothing");
}
