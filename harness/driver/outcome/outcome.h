/* What one child left behind: its records, counters, standard error, stacks, and how it ended. Driver. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/board.h"
#include "core/wire/record.h"
#include "core/wire/scene.h"
#include "driver/outcome/statement.h"
#include "driver/symbol/symbol.h"
#include "driver/log/tsan_report.h"

/* A child that prints for ever does not fill our memory: the first and the last part are kept. */
#define OUTCOME_STDERR_HALF (32u << 10)
/* A child that reports for ever does not either; what is over is only counted. */
#define OUTCOME_RECORDS_MAX 4096
#define OUTCOME_RACES_MAX 512

/* What the guard's checker did. */
struct walks {
    uint64_t rounds, blocks, nanoseconds; /* blocks looked at in all, and the time that it took */
    uint64_t present;                     /* blocks that there were in the last round */
};

/* A thread that slept on a futex when the child hung, and the first bytes there: those of a lock. */
struct outcome_sleeper {
    pid_t tid;
    uint64_t futex;
    int32_t words[5]; /* zero where they could not be read */
};

/* What a child reports of its interpreter and its plan. Owned. */
struct facts {
    enum { GIL_UNKNOWN, GIL_OFF, GIL_ON } gil;
    enum changes changes;
    char *writes; /* names of the arrays that the harness writes, separated by commas; or NULL */
};

struct outcome {
    struct record **records; /* evidence, in order of arrival */
    size_t nrecords, dropped;
    char **environment; /* "key=value", no key twice */
    size_t nenvironment;
    struct facts facts;
    char **packages; /* path and import name, in turn */
    size_t npackages;
    char **distributions; /* path and "numpy 2.2.2", in turn, of files that a distribution owns */
    size_t ndistributions;
    struct statement_list statements; /* as the child told them */
    char *maps;
    char *cannot; /* sentence of a RECORD_CANNOT */
    int cannot_status;
    enum cannot_reason cannot_reason;
    char *stderr_text; /* whole lines where there were any */
    char *
        sentence; /* first line there that the log detector knows, even when a flood swept it out of the text */
    struct tsan_report **races; /* of ThreadSanitizer, each pair of instructions once; without the canary */
    size_t nraces, dropped_races;
    const char *tool_log; /* what the tool wrote that the child ran under, or NULL */
    size_t tool_log_size;
    bool canary;                   /* the planted race was reported */
    struct symbol_thread *threads; /* at a crash or a hang, when ptrace is allowed */
    size_t nthreads;
    struct scene_page *pages; /* what threads wrote of themselves then */
    size_t npages;
    struct outcome_sleeper *sleepers;
    size_t nsleepers;
    struct board_totals totals;
    struct board_overlap overlap;
    uint64_t serial_calls;
    uint64_t worked;    /* ns that the rounds took, when it finished */
    struct walks walks; /* of the guard's checker, when it finished */
    enum board_phase phase;
    struct {
        uint64_t calls;
        unsigned inside;         /* the step that it was inside and 1, or 0 */
    } workers[PLAN_THREADS_MAX]; /* at the child's end */
    int wait_status;
    bool finished;    /* the child said that it came to its end */
    bool hung;        /* no progress: we ended it */
    bool over_memory; /* we ended it */
    bool overran;     /* its time was over, and it had to be ended */
    bool interrupted; /* the user ended it */
    double seconds;
    /* To the first evidence that came while the threads ran, or else to the end; 0 where they never did. */
    double seconds_to_run; /* until the threads ran; 0 where they never did */
    uint64_t calls_to_hit;
    double seconds_to_hit;
};

/* Sorts one record into its place. Returns 0 or -ENOMEM. */
int outcome_add(struct outcome *outcome, const struct record *record);
/* Takes the report over. */
void outcome_add_race(struct outcome *outcome, struct tsan_report *report);
void outcome_clear(struct outcome *outcome);

/* What this thread wrote of itself, or NULL. */
const struct scene_page *outcome_page(const struct outcome *outcome, pid_t tid);

/* Fills in what `facts` lacks. */
void facts_merge(struct facts *facts, const struct facts *more);

/* The value of an environment key, or NULL. */
const char *outcome_environment(const struct outcome *outcome, const char *key);

/* Did a fatal signal, an exit or an abort end it, before it came to its end or while Python finished? */
bool outcome_crashed(const struct outcome *outcome);
