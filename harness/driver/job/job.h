/* A job: one child from its start to its last byte.
 *
 * Contract. The driver has one thread and no Python. job_run returns when the child has ended, for whatever reason:
 * it sets a flag on the board, then sends SIGTERM, then kills the child's process group. The child is killed when the
 * driver ends, so that no child outlives it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/process.h"
#include "core/plan/plan.h"
#include "driver/outcome/outcome.h"

#define JOB_TOOL_FD 7

struct job_settings {
    const char *child;    /* path of ftstress-child */
    const char *python;   /* interpreter that it runs as */
    bool allow_gil, gil;  /* the GIL may be on; it is turned on: a control run */
    struct launch launch; /* what differs in the child's process */
    /* Program and arguments that the child runs under, or NULL. Its log goes to JOB_TOOL_FD. The child is not traced
     * then: that would show the program's stacks. */
    const char *const *under;
    bool reads_races;        /* the child writes reports of ThreadSanitizer to a pipe of their own */
    const uint64_t *lengths; /* iterations of calls and of new ones, or NULL */
    /* ns without progress after which a child hangs, less what a busy machine withholds. A child in which no thread can
     * run again (standstill.h) hangs at once. */
    uint64_t timeout;
    unsigned patience; /* multiplies every limit of time without progress; 0 is 1 */
    uint64_t memory;   /* bytes; 0: no limit */
    int signals;       /* signalfd with SIGINT and SIGTERM, or -1 */
    /* Called about ten times a second, and when the child has ended. */
    void (*tick)(void *context, const struct board_totals *now);
    void *context;
};

/* Runs the plan in a child. On success *outcome, whatever became of the child, is the caller's, to outcome_clear.
 * Returns 0, or -errno when no child could be started. */
int job_run(const struct plan *plan, const struct job_settings *settings, struct outcome *outcome);
