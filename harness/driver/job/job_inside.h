/* What the files of the job share; nobody else's. The contract is job.h's. */
#pragma once

#include <sys/types.h>

#include "core/wire/board.h"
#include "core/wire/record.h"
#include "driver/job/job.h"
#include "driver/log/tsan_report.h"

/* The end of what was read last of standard error: a line that is not whole yet. */
#define JOB_CARRY 512

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
    char carry[JOB_CARRY]; /* the end of what was read last */
    size_t ncarry;
    uint64_t began, moved_at;
    uint64_t running_since;       /* setup is over since then */
    uint64_t asked_at, termed_at; /* rungs of the ladder; 0: not yet */
    uint64_t progress, cpu;
    bool looked, gone;
};

/* job_start.c: from here on the child runs, and reading from its pipes does not block. Returns 0, or -errno when no
 * child could be started. */
int job_start(struct job *job);

/* job_read.c: what there is to read now. A pipe at its end is closed. */
void job_read_wire(struct job *job);
void job_read_stderr(struct job *job);
void job_read_races(struct job *job);
/* job_read.c: of a child that is gone, whatever it wrote. */
void job_read_rest(struct job *job);
/* job_read.c: how long the threads have been at it by now; the first call counts. */
void job_note_hit(struct job *job);
/* job_read.c: a report of the job's log of ThreadSanitizer; `context` is the job. Takes the report over. */
void job_take_race(void *context, struct tsan_report *report);

/* job_watch.c: looks at the child, about ten times a second; ends one that stands still, whose time is over, or that
 * takes too much memory. Calls the tick. */
void job_watch(struct job *job);
/* job_watch.c: the first Ctrl-C asks, the second kills. */
void job_take_signal(struct job *job);
