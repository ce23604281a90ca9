/* The result of one child: its records, counters, standard error, stacks, and how it ended. Driver. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/board.h"
#include "core/wire/record.h"
#include "core/wire/scene.h"
#include "driver/outcome/compared.h"
#include "driver/outcome/statement.h"
#include "driver/symbol/symbol.h"
#include "driver/log/tsan_report.h"

/* The first and the last part of standard error are kept, so that endless output does not fill the memory. */
#define OUTCOME_STDERR_HALF (32u << 10)
/* Records beyond these limits are left out and counted. */
#define OUTCOME_RECORDS_MAX 4096
#define OUTCOME_RACES_MAX 512

/* Work of the guard's checker. */
struct walks {
    uint64_t rounds, blocks, nanoseconds; /* blocks checked in all rounds, and the time for it */
    uint64_t present;                     /* blocks in the last round */
};

/* The time that a child had without progress, in seconds. */
struct outcome_still {
    double seconds, ran; /* in all, and processor time of all threads */
    double starved;      /* of `seconds`: it waited for a processor or a disk */
    bool proven;         /* no thread could run again */
};

/* A thread that slept on a futex when the child hung, and the first words of the lock there. */
struct outcome_sleeper {
    pid_t tid;
    uint64_t futex;
    int32_t words[5]; /* zero when they could not be read */
};

/* Facts that a child reports of its interpreter and its plan. Owned. */
struct facts {
    enum { GIL_UNKNOWN, GIL_OFF, GIL_ON } gil;
    enum changes changes;
    char *writes; /* names of the arrays that the harness writes, separated by commas; or NULL */
    uint64_t traced_calls,
        traced_words; /* stepped through; most words that two threads touch and one writes */
};

struct outcome {
    struct record **records; /* evidence, in order of arrival */
    size_t nrecords, dropped_records;
    char **environment; /* "key=value", no key twice */
    size_t nenvironment;
    struct facts facts;
    char **packages; /* path and import name, in turn */
    size_t npackages;
    char **distributions; /* path and "numpy 2.2.2", in turn, of files that a distribution owns */
    size_t ndistributions;
    struct statement_list statements; /* as the child numbers them */
    struct compared_list compared;
    char *maps;
    char *cannot; /* sentence of a RECORD_CANNOT */
    int cannot_status;
    enum cannot_reason cannot_reason;
    char *stderr_text; /* whole lines where there are any */
    /* First line of standard error that the log detector knows, even when later output displaced it. */
    char *sentence;
    struct tsan_report **races; /* one for each pair of instructions, without the canary */
    size_t nraces, dropped_races;
    const char *tool_log; /* output of the tool that the child ran under, or NULL */
    size_t tool_log_size;
    bool canary;                   /* the planted race was reported */
    struct symbol_thread *threads; /* at a crash or a hang, when ptrace is allowed */
    size_t nthreads;
    struct scene_page *pages; /* written by the threads themselves then */
    size_t npages;
    struct outcome_sleeper *sleepers;
    size_t nsleepers;
    struct board_totals totals;
    struct board_overlap overlap;
    uint64_t worked;                    /* ns in rounds, if it finished */
    struct walks walks;                 /* of the guard's checker, if it finished */
    uint64_t processes, processes_time; /* forked for first uses, and ns that they took together */
    enum board_phase phase;
    struct {
        uint64_t calls;
        unsigned inside;         /* 1 + the step that it was inside, or 0 */
    } workers[PLAN_THREADS_MAX]; /* at the child's end */
    int wait_status;
    int own_signal;             /* the last signal that it sent to itself; 0: none */
    bool limited;               /* the target lowered its own limit on memory */
    int handled;                /* the fatal signal that a handler of the target had when it ended; 0: none */
    char leaving[256];          /* the statement that called exit or _exit, or "" */
    bool finished;              /* it reported its end */
    bool unfit;                 /* it makes no call with threads, and a note gives the reason */
    bool wire_lost;             /* the target closed or used the descriptor of its records */
    bool hung;                  /* it made no progress, and was killed */
    struct outcome_still still; /* before that */
    bool stopped;               /* a signal from outside stopped it, and it was killed */
    bool over_memory;           /* it was killed */
    bool overran;               /* it did not end in time, and was killed */
    bool interrupted;           /* by the user */
    double seconds;
    double seconds_to_run; /* until the threads ran; 0 when they never did */
    /* Until the first evidence from running threads, else until the end; 0 when they never ran. */
    uint64_t calls_to_hit;
    double seconds_to_hit;
};

/* Sorts one record into its place. Returns 0 or -ENOMEM. */
int outcome_add(struct outcome *outcome, const struct record *record);
/* Takes ownership of the report. */
void outcome_add_race(struct outcome *outcome, struct tsan_report *report);
void outcome_clear(struct outcome *outcome);

/* The page that this thread wrote, or NULL. */
const struct scene_page *outcome_page(const struct outcome *outcome, pid_t tid);

/* Fills in what `facts` lacks. */
void facts_merge(struct facts *facts, const struct facts *more);

/* Did a fatal signal, an exit or an abort end it, before its end or while Python finalised? */
bool outcome_crashed(const struct outcome *outcome);

/* Did the kernel or an operator kill it? It did not send itself the signal, and neither did the driver. */
bool outcome_killed(const struct outcome *outcome);
