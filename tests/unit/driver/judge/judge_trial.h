/* A trial of the judge: a plan, a run, and one outcome to fill with records. Stacks are functions of the test program
 * under its own memory map; it stands for the extension module. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "driver/finding/finding.h"
#include "driver/judge/blame.h"
#include "driver/judge/judge.h"
#include "driver/judge/link.h"

#define NOINLINE __attribute__((noinline, used))
#define EXITED(status) ((status) << 8)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static NOINLINE int guilty(int x)
{
    return x + 1;
}

static NOINLINE int accomplice(int x)
{
    return x + 2;
}

struct trial {
    struct plan plan;
    struct run run;
    struct outcome outcome;
};

static inline void add_record(struct trial *trial, const struct record *record)
{
    assert_int_equal(outcome_add(&trial->outcome, record), 0);
}

static inline void add_text(struct trial *trial, enum record_type type, const char *a, const char *b)
{
    struct record record;
    record_begin(&record, type, RECORD_MAIN);
    record_add_text(&record, a);
    if (b)
        record_add_text(&record, b);
    add_record(trial, &record);
}

static inline void open_outcome(struct trial *trial)
{
    char self[256];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    trial->outcome = (struct outcome){.phase = BOARD_RUN, .finished = true};
    assert_int_equal(fd_read_file("/proc/self/maps", &trial->outcome.maps, NULL), 0);
    add_text(trial, RECORD_ENVIRONMENT, "python=3.13.5 experimental free-threading build", NULL);
    add_text(trial, RECORD_ENVIRONMENT, "planted=1.2", NULL);
    add_text(trial, RECORD_PACKAGE, self, "planted.ext");
}

static inline void begin(struct trial *trial)
{
    *trial = (struct trial){.outcome = {0}};
    plan_init(&trial->plan);
    trial->plan.name = strdup("trial");
    assert_int_equal(plan_add_text(&trial->plan.steps, &trial->plan.nsteps, "f(x)"), 0);
    open_outcome(trial);
}

/* Returns how many findings are new. */
static inline unsigned judge(struct trial *trial, unsigned child)
{
    unsigned n = judge_outcome(&trial->run, &trial->plan, &trial->outcome, child);
    blame_findings(&trial->run);
    return n;
}

static inline void settle(struct run *run)
{
    link_prune(run);
    link_findings(run);
    blame_findings(run);
}

static inline void next_outcome(struct trial *trial)
{
    outcome_clear(&trial->outcome);
    open_outcome(trial);
}

static inline void end(struct trial *trial)
{
    outcome_clear(&trial->outcome);
    run_clear(&trial->run);
    plan_clear(&trial->plan);
}

static inline void assert_silent(struct trial *trial)
{
    assert_int_equal(judge(trial, 1), 0);
    assert_int_equal(trial->run.findings.n, 0);
    assert_null(trial->run.harness_fault);
}

static inline struct finding *only(struct trial *trial)
{
    assert_int_equal(trial->run.findings.n, 1);
    return trial->run.findings.items[0];
}

static inline void assert_noted(const struct trial *trial, const char *word)
{
    for (size_t i = 0; i < trial->run.notes.n; i++)
        if (strstr(trial->run.notes.items[i], word))
            return;
    fail_msg("no note says \"%s\"", word);
}

enum write { HIDDEN = 0, KEPT = 1, SAME = 2, SERIAL = 4, METADATA = 8 };

static inline void add_write(struct trial *trial, int (*function)(int), int how)
{
    struct record record;
    record_begin(&record, RECORD_WRITE, 0);
    record.values[WRITE_SIZE] = 8;
    record.values[WRITE_COUNT] = 2;
    record.values[WRITE_KEPT] = how & KEPT ? 1 : 0;
    record.values[WRITE_SAME] = how & SAME ? 1 : 0;
    record.values[WRITE_SERIAL] = how & SERIAL ? 1 : 0;
    record.values[WRITE_METADATA] = how & METADATA ? 1 : 0;
    record_add_text(&record, "x");
    record_add_text(&record, "f(x)");
    record_add_text(&record, "its shape became (40,), was (20,)");
    if (function)
        record_add_frames(&record, (uint64_t[]){(uint64_t)function}, 1);
    add_record(trial, &record);
}

static inline void add_exception(struct trial *trial, bool is_mutable, bool serial)
{
    struct record record;
    record_begin(&record, RECORD_EXCEPTION, 0);
    record.values[EXCEPTION_COUNT] = 5;
    record.values[EXCEPTION_MUTABLE] = is_mutable;
    record.values[EXCEPTION_SERIAL] = serial;
    record_add_text(&record, "ValueError: Rankings must be of equal length.");
    record_add_text(&record, "ValueError: Rankings must be of equal length.");
    record_add_text(&record, "");
    record_add_text(&record, "somersd(x)");
    add_record(trial, &record);
}

/* An exception under threads, with the traceback of its Python code. */
static inline void add_raised(struct trial *trial, enum exception_how how, const char *text,
                              const char *place)
{
    struct record record;
    record_begin(&record, RECORD_EXCEPTION, 0);
    record.values[EXCEPTION_COUNT] = 1;
    record.values[EXCEPTION_HOW] = how;
    record_add_text(&record, text);
    record_add_text(&record, text);
    record_add_text(&record, place);
    record_add_text(&record, "f(x)");
    add_record(trial, &record);
}

static inline void add_invariant(struct trial *trial, const char *input, const char *sentence, bool serial)
{
    struct record record;
    record_begin(&record, RECORD_INVARIANT, 0);
    record.values[INVARIANT_COUNT] = 1;
    record.values[INVARIANT_SERIAL] = serial;
    record_add_text(&record, input);
    record_add_text(&record, sentence);
    record_add_text(&record, "f(x)");
    add_record(trial, &record);
}

/* What the crash handler sends; the process has not come to its end. */
static inline void add_crash(struct trial *trial, int number, int (*function)(int))
{
    struct record record;
    record_begin(&record, RECORD_CRASH, 0);
    record.values[CRASH_SIGNAL] = number;
    record.values[CRASH_CODE] = number == SIGABRT ? -6 : SEGV_MAPERR;
    record.values[CRASH_ADDRESS] = 0xdead;
    record.values[CRASH_TID] = 4242;
    record_add_text(&record, "f(x)");
    if (function)
        record_add_frames(&record, (uint64_t[]){(uint64_t)function}, 1);
    add_record(trial, &record);
    trial->outcome.wait_status = number;
    trial->outcome.finished = false;
}

static inline void print(struct trial *trial, const char *text)
{
    free(trial->outcome.stderr_text);
    trial->outcome.stderr_text = strdup(text);
}
