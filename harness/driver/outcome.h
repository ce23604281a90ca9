/* What one child left behind: its records, counters, standard error, stacks, and how it ended. Driver. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/board.h"
#include "core/record.h"
#include "driver/symbol.h"
#include "driver/tsan_report.h"

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

struct outcome {
    struct record **records; /* evidence, in order of arrival */
    size_t nrecords, dropped;
    char **environment; /* "key=value", no key twice */
    size_t nenvironment;
    char **packages; /* path and import name, in turn */
    size_t npackages;
    char *maps;
    char *cannot; /* sentence of a RECORD_CANNOT */
    int cannot_status;
    char *stderr_text; /* whole lines where there were any */
    char *
        sentence; /* first line there that the log detector knows, even when a flood swept it out of the text */
    struct tsan_report **races; /* of ThreadSanitizer, each pair of instructions once; without the canary */
    size_t nraces, dropped_races;
    bool canary;                   /* the planted race was reported */
    struct symbol_thread *threads; /* at a crash or a hang, when ptrace is allowed */
    size_t nthreads;
    struct board_totals totals;
    uint64_t serial_calls;
    uint64_t worked;    /* ns that the rounds took, when it finished */
    struct walks walks; /* of the guard's checker, when it finished */
    enum board_phase phase;
    int wait_status;
    bool finished;    /* the child said that it came to its end */
    bool hung;        /* no progress: we ended it */
    bool over_memory; /* we ended it */
    bool overran;     /* its time was over, and it had to be ended */
    bool interrupted; /* the user ended it */
    double seconds;
};

/* Sorts one record into its place. Returns 0 or -ENOMEM. */
int outcome_add(struct outcome *outcome, const struct record *record);
/* Takes the report over. */
void outcome_add_race(struct outcome *outcome, struct tsan_report *report);
void outcome_clear(struct outcome *outcome);

/* The value of an environment key, or NULL. */
const char *outcome_environment(const struct outcome *outcome, const char *key);

/* Did a fatal signal, an exit or an abort end it, before it came to its end or while Python finished? */
bool outcome_crashed(const struct outcome *outcome);
