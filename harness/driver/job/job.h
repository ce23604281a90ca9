/* A job: one child from fork to its last byte.
 *
 * Contract. The driver has one thread and no Python. job_run returns when the child is gone, for whatever reason: it
 * asks (through the board), then sends SIGTERM, then kills the child's process group. The child dies with the driver
 * (PR_SET_PDEATHSIG), so a killed driver leaves no orphan.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/plan/plan.h"
#include "core/plan/tool.h"
#include "driver/outcome/outcome.h"

#define JOB_TOOL_FD 7

struct job_settings {
    const char *child;  /* path of ftstress-child */
    const char *python; /* interpreter whose environment it runs in */
    bool allow_gil;
    bool gil;                     /* turn it on: a control */
    bool tsan;                    /* the child is under ThreadSanitizer: its reports are read */
    const struct tool *tool;      /* that the child runs under, or NULL */
    const char *const *tool_argv; /* how it is called, but for the child; it writes to JOB_TOOL_FD */
    bool plain_malloc;            /* the interpreter can take objects from malloc, where a tool sees them */
    const uint64_t *lengths;      /* iterations of calls and of new ones, or NULL */
    uint64_t timeout;             /* ns without progress: a hang */
    uint64_t memory;              /* bytes */
    int signals;                  /* signalfd with SIGINT and SIGTERM, or -1 */
    /* Called about ten times a second, and when the child is gone. */
    void (*tick)(void *context, const struct board_totals *now);
    void *context;
};

/* Runs the plan in a child. On success *outcome is the caller's, to outcome_clear; whatever happened to the child is in
 * it. Returns 0, or -errno when no child could be started. */
int job_run(const struct plan *plan, const struct job_settings *settings, struct outcome *outcome);
