/* Reads what a child writes: records, standard error, reports of ThreadSanitizer. See job.h for the contract. */
#include "driver/job/job_inside.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "driver/finding/log_rule.h"
#include "driver/log/tsan_report.h"

#define STDERR_READ 8192

_Static_assert(STDERR_READ <= OUTCOME_STDERR_HALF, "one read fits in the tail");

/* Keeps the first bytes in `head` and the last bytes in `tail`. */
static void keep_stderr(struct job *job, const char *bytes, size_t n)
{
    size_t room = OUTCOME_STDERR_HALF - job->nhead, first = n < room ? n : room;
    memcpy(job->head + job->nhead, bytes, first);
    job->nhead += first;
    bytes += first;
    n -= first;
    size_t over = job->ntail + n > OUTCOME_STDERR_HALF ? job->ntail + n - OUTCOME_STDERR_HALF : 0;
    memmove(job->tail, job->tail + over, job->ntail - over);
    job->ntail -= over;
    memcpy(job->tail + job->ntail, bytes, n);
    job->ntail += n;
}

/* Keeps the first sentence that the log detector matches: after a crash other threads may write more than fits, so
 * that neither half of standard error has it. A line that the last read cut is joined with its beginning. */
static void keep_sentence(struct job *job, const char *bytes, size_t n)
{
    char text[JOB_CARRY + STDERR_READ];
    if (job->outcome->sentence)
        return;
    memcpy(text, job->carry, job->ncarry);
    memcpy(text + job->ncarry, bytes, n);
    size_t size = job->ncarry + n;
    const char *end = memrchr(text, '\n', size);
    char *lines = end ? strndup(text, (size_t)(end - text)) : NULL;
    log_rule_find(lines, &job->outcome->sentence);
    free(lines);
    job->ncarry = size < JOB_CARRY ? size : JOB_CARRY;
    memcpy(job->carry, text + size - job->ncarry, job->ncarry);
}

void job_read_stderr(struct job *job)
{
    char bytes[STDERR_READ];
    ssize_t n;
    while ((n = read(job->err, bytes, sizeof bytes)) > 0) {
        /* A NUL would hide the text that follows it. */
        for (ssize_t i = 0; i < n; i++)
            if (!bytes[i])
                bytes[i] = '?';
        keep_stderr(job, bytes, (size_t)n);
        keep_sentence(job, bytes, (size_t)n);
    }
    if (n == 0)
        fd_close(&job->err);
}

void job_note_hit(struct job *job)
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

void job_take_race(void *context, struct tsan_report *report)
{
    struct job *job = context;
    if (!tsan_report_is_canary(report)) {
        outcome_add_race(job->outcome, report);
        return;
    }
    job->outcome->canary = true;
    tsan_report_free(report);
}

void job_read_races(struct job *job)
{
    char bytes[STDERR_READ];
    ssize_t n;
    while ((n = read(job->races, bytes, sizeof bytes)) > 0)
        tsan_log_feed(&job->log, bytes, (size_t)n);
    if (n == 0)
        fd_close(&job->races);
}

void job_read_wire(struct job *job)
{
    struct record record;
    int n;
    do {
        n = record_read(&job->reader, job->wire);
        int more;
        while ((more = record_next(&job->reader, &record)) > 0) {
            if (record_is_hit(&record))
                job_note_hit(job);
            outcome_add(job->outcome, &record);
        }
        if (more < 0)
            n = 0;
    } while (n > 0);
    if (n == 0)
        fd_close(&job->wire);
}

void job_read_rest(struct job *job)
{
    job_read_wire(job);
    job_read_stderr(job);
    job_read_races(job);
    tsan_log_finish(&job->log);
}
