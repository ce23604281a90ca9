/* A run: what its children did, and what was found. Driver. Owned, but for what is borrowed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/wire/status.h"
#include "driver/finding/finding.h"
#include "driver/finding/known.h"
#include "driver/finding/memcheck.h"
#include "driver/outcome/meetings.h"
#include "driver/outcome/outcome.h"
#include "driver/outcome/statement.h"
#include "driver/log/suppression.h"
#include "driver/finding/verification.h"

struct note_list {
    char **items; /* sentences for the report that are no findings */
    size_t n;
};

/* A child in the timeline of the report. */
struct child_entry {
    const char *member;    /* of the portfolio */
    const char *end;       /* "finished", "Segmentation fault" */
    double began;          /* s since the run began */
    double seconds, start; /* s of its life, and s before its threads ran */
    uint64_t calls;
    bool unfit;     /* it makes no call with threads, and a note gives the reason */
    char *findings; /* ids of its findings, separated by blanks; NULL: none */
};

struct child_log {
    struct child_entry *items; /* in order */
    size_t n;
};

/* Children that made calls with a detector, and ended as they should. */
struct looks {
    unsigned all, threads; /* all of them, and those with several threads */
};

/* Keys of the environment that are files: this, and their path. */
#define RUN_FILE_KEY "_file "

struct run {
    char *name;         /* of the plan or plans */
    const char *out;    /* folder that it is kept under, borrowed; or NULL */
    const char *python; /* the interpreter's path, borrowed; or NULL */
    uint64_t seed;
    enum status status;
    char *reason;        /* why nothing could be tested, or NULL */
    char *harness_fault; /* what went wrong in ftstress itself, or NULL */
    uint32_t threads;
    enum rung share;
    uint64_t calls, serial_calls, sampled, overlapped;
    uint64_t counted_calls; /* of children that measure a mean over all calls, not a failure of one */
    bool serialized;        /* the mode runs one thread at a time: overlap means nothing */
    double seconds;
    bool interrupted;                 /* by the user */
    double start;                     /* shortest time in s until the threads of a child ran; 0: none ran */
    uint64_t rated_calls, rated_time; /* calls and ns of children that finished, without their start */
    unsigned children;
    uint64_t processes, processes_time; /* forked for first uses, and ns that they took together */
    struct walks walks;                 /* of the guard's checker, over all children that finished */
    char **environment;                 /* "key=value" */
    size_t nenvironment;
    struct facts facts; /* of the first child that reported each */
    struct finding_list findings;
    struct verification *verification; /* or NULL */
    struct looks looks[DETECTOR_COUNT];
    char test[12];                    /* name of the plans without their seed, or "" */
    struct statement_list statements; /* of the plan; none for a run of several plans */
    struct statement_overlap pairs;
    struct compared_list compared; /* of all plans */
    struct child_log log;
    bool hints, hinted; /* a child had the detector hint; one of them showed whether memory grows */
    char **no_turn;     /* members of the portfolio that the plan needs and that made no call */
    size_t nno_turn;
    const struct suppression_list *suppressions; /* known races with their hits, borrowed; or NULL */
    struct known_list *known;                    /* from --known, borrowed; or NULL */
    struct memcheck memcheck;                    /* of a run under Valgrind */
    struct meetings meetings;                    /* of a run with outcomes */
    struct note_list notes;
    struct note_list in_place; /* functions that were seen to change an input for good */
    struct note_list changers; /* statements that were seen to change a shared array for good */
};

/* Returns the calls that could show a failure of one call: serial calls cannot race, and counted ones show a mean. */
uint64_t run_tested_calls(const struct run *run);

/* Returns an upper bound for the failure rate of a clean run, at 95 % confidence; 0 for other runs. */
double run_rate_bound(const struct run *run);

/* Adds the sentence unless the list has it. Returns 0 or -ENOMEM. */
int note_add(struct note_list *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds the last child to the log, with the findings that were judged from it. Returns 0 or -ENOMEM. */
int run_log_child(struct run *run, const struct child_entry *entry);

/* Makes the id of a finding anew after its signature changed, also where the log and the notes name it. */
void run_rename(struct run *run, struct finding *finding);

void run_clear(struct run *run);
