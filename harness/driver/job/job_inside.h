/* Shared by the files of the job only. The contract is in job.h. */
#pragma once

#include <sys/types.h>

#include "core/wire/board.h"
#include "core/wire/record.h"
#include "driver/job/job.h"
#include "driver/job/pulse.h"
#include "driver/job/standstill.h"
#include "driver/log/tsan_report.h"

/* Bytes at the end of the last read of standard error: a line that is not whole yet. */
#define JOB_CARRY 512

struct job {
    const struct job_settings *settings;
    const struct plan *plan;
    struct outcome *outcome;
    pid_t pid;
    int wire, err, races, tool_fd;
    int end; /* readable when the child has ended, or -1 */
    struct board *board;
    struct record_reader reader;
    struct tsan_log log; /* reads `races` */
    char *head, *tail;   /* first and last bytes of standard error */
    size_t nhead, ntail;
    char carry[JOB_CARRY]; /* end of the last read of standard error */
    size_t ncarry;
    uint64_t began;
    uint64_t running_since;       /* end of the setup */
    uint64_t asked_at, termed_at; /* when the board and SIGTERM asked the child to end; 0: not yet */
    uint64_t progress;            /* of the board, at the last look */
    struct pulse pulse;           /* since then */
    struct standstill standstill; /* likewise */
    bool looked;                  /* its threads were read */
    bool gone;                    /* reaped */
};

/* job_start.c: starts the child. Reading from its pipes does not block. Returns 0 or -errno. */
int job_start(struct job *job);

/* job_read.c: read what is there now, nothing where the descriptor is -1. A pipe at its end is closed. */
void job_read_wire(struct job *job);
void job_read_stderr(struct job *job);
void job_read_races(struct job *job);
/* job_read.c: reads the rest of what an ended child wrote. */
void job_read_rest(struct job *job);
/* job_read.c: stores calls and time of the threads at the first hit; later calls do nothing. */
void job_note_hit(struct job *job);
/* job_read.c: keeps a report of ThreadSanitizer, which it owns from then on. `context` is the job. */
void job_take_race(void *context, struct tsan_report *report);

/* job_watch.c: ends a child without progress, past its time, or above its memory; calls the tick. To be called about
 * ten times a second. */
void job_watch(struct job *job);
/* job_watch.c: asks the child to end at the first Ctrl-C, kills it at the second. */
void job_take_signal(struct job *job);
