/* What a run ends in, and how it is told. Driver. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/option.h"
#include "core/status.h"
#include "driver/child_log.h"
#include "driver/finding.h"
#include "driver/memcheck.h"
#include "driver/outcome.h"
#include "driver/statement.h"
#include "driver/suppression.h"
#include "driver/verification.h"

struct note_list {
    char **items;
    size_t n;
};

struct report {
    char *name; /* of the plan or plans */
    uint64_t seed;
    enum status status;
    char *reason;        /* why nothing could be tested, or NULL */
    char *harness_fault; /* what went wrong in ftstress itself, or NULL */
    uint32_t threads;
    enum rung share;
    uint64_t calls, serial_calls, sampled, overlapped;
    double seconds;
    double start; /* s that the quickest child took until its threads ran; 0 where none ever did */
    uint64_t rated_calls, rated_time; /* of children that finished: the rate without start-up */
    unsigned children;
    struct walks walks; /* of the guard's checker, over all children that finished */
    char **environment; /* "key=value" */
    size_t nenvironment;
    struct finding_list findings;
    struct verification *verification; /* or NULL */
    struct statement_list statements;  /* of the plan; none for a run of several plans */
    struct statement_overlap pairs;
    bool verbose;
    struct child_log log;
    const struct suppression_list *suppressions; /* races that are known, borrowed; or NULL */
    struct memcheck memcheck;                    /* of a run under Valgrind */
    struct note_list notes;
    struct note_list in_place; /* functions that were seen to change an input for good */
};

/* One sentence, once. */
int note_add(struct note_list *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For a person, on out. */
void report_text(const struct report *report, FILE *out, bool colour, bool quiet);

/* Of a clean run: what the rate is below at 95 % confidence, by its calls; else 0. */
double report_rate_bound(const struct report *report);

/* Stable keys, ftstress-report/1. On success *ret_text is the caller's. Returns 0 or -ENOMEM. */
int report_json(const struct report *report, char **ret_text);

/* A folder for each finding under `out`: finding.json, plan.yaml, stderr.txt; and the whole as report.json. Returns
 * 0 or -errno. */
int report_keep(const struct report *report, const char *out);

void report_clear(struct report *report);
