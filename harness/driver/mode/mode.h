/* The mode of a run: plain, in an interpreter with the GIL, under ThreadSanitizer, under Valgrind. A mode is one row of
 * modes[] and one file; the session reads fields and calls hooks, and never compares modes. Driver, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sentence.h"
#include "core/plan/option.h"
#include "core/plan/plan.h"
#include "driver/finding/run.h"
#include "driver/job/job.h"
#include "driver/mode/member.h"
#include "driver/tool/probe.h"

/* What decides the mode. */
struct mode_query {
    const struct request *request;
    const struct plan *plans;
    size_t n;
    const struct probe *probe; /* NULL: the interpreter is not known yet */
};

struct mode;

/* A run in its mode. */
struct mode_run {
    const struct mode *row;
    const struct request *request;
    struct launch launch; /* of every program that is started */
    char *child;          /* path of the child */
    struct probe probe;   /* the interpreter */
    void *own;            /* the mode's own data */
};

struct mode {
    const char *name;
    const char *option;               /* that selects it, as a user types it; or NULL */
    bool has_suppressions;            /* --suppressions is a file for it */
    bool is_serial;                   /* one thread runs at a time: overlap means nothing */
    bool forks;                       /* a child can fork processes that run threads */
    const char *perturb_limits;       /* why some of --perturb is left out, beside the forks; or NULL */
    bool has_no_trials;               /* a child takes minutes and repeats its results */
    const struct member_set *members; /* children of the portfolio */

    /* Does the query select this mode? */
    bool (*is_selected)(const struct mode_query *query);
    /* Fills run->child and run->launch. Returns 0, or an exit status with *error. */
    int (*find_child)(struct mode_run *run, struct sentence *error);

    /* The others may be NULL. */

    /* Leaves in the plans what the mode can do. Returns 0, or -EINVAL with *error. */
    int (*narrow)(struct plan *plans, size_t n, struct sentence *error);
    /* The same when the interpreter is known; checks that the mode works. Returns 0, or an exit status with *error. */
    int (*prepare)(struct mode_run *run, struct plan *plans, size_t n, struct sentence *error);
    /* Settings of every child; notes at the head of the report. */
    void (*configure)(const struct mode_run *run, struct job_settings *settings, struct run *report);
    /* The next child runs these numbers of iterations, in place of the portfolio. Returns false when none is needed. */
    bool (*next_lengths)(const struct run *report, uint64_t ret_lengths[2]);
    /* Reads what a child left. Returns true and fills *ret when no result of this child can be trusted. */
    bool (*why_untrusted)(struct mode_run *run, const struct outcome *outcome, struct sentence *ret);
    /* Returns true and fills *ret when a run without findings is not a clean one. */
    bool (*why_not_clean)(const struct mode_run *run, const struct run *report, struct sentence *ret);
    /* Notes at the end of the report. */
    void (*conclude)(const struct mode_run *run, struct run *report);
    /* Frees run->own, where free is not enough. */
    void (*clear)(struct mode_run *run);
};

extern const struct mode mode_tsan, mode_valgrind, mode_outcome, mode_gil, mode_plain;
extern const struct mode *const modes[];
extern const size_t mode_count;

/* The mode of a command line and its plans, which it narrows. Returns NULL with *error where they contradict. */
const struct mode *mode_choose(const struct request *request, struct plan *plans, size_t n,
                               struct sentence *error);

/* Notes the names of --perturb that the last mode_choose has left out, and why. */
void mode_note_perturb(const struct mode *mode, struct note_list *notes);

/* Finds child and interpreter, after which the mode may be another one, and prepares the mode. The caller sets
 * run->row and run->request, and calls mode_close in any case. Returns 0, or an exit status with *error. */
int mode_open(struct mode_run *run, struct plan *plans, size_t n, struct sentence *error);
void mode_close(struct mode_run *run);

/* mode_plain.c: find_child and members of modes without an instrumented child. */
int mode_find_child(struct mode_run *run, struct sentence *error);
extern const struct member_set mode_plain_members;

/* mode_gil.c: notes what a run with the GIL can find. */
void mode_gil_note(const struct probe *probe, struct note_list *notes);
