/* A session: the plans of one request run in children, one child after the other, and what all of them add up to.
 * Driver, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/plan/option.h"
#include "core/plan/tool.h"
#include "driver/job/job.h"
#include "driver/session/progress.h"
#include "driver/finding/run.h"
#include "driver/tool/tsan.h"

/* Children in all for the sites of damaged blocks. */
#define SESSION_FOCUS_MAX 24

/* What each child could have seen, to say "in k of N". */
struct session_sighting {
    uint32_t detect;
    bool serial;
};

struct session {
    /* The caller's: how to run. What is pointed to outlives the session. */
    const struct request *request;
    struct tsan *tsan;            /* or NULL */
    const struct tool *tool;      /* that children run under, or NULL */
    struct job_settings settings; /* but for tick and lengths */
    /* The caller names it; the rest is filled as children end. */
    struct run run;
    /* The session's own. */
    struct progress progress;
    struct session_sighting *sightings;
    unsigned stillborn;
    const char *focused[SESSION_FOCUS_MAX]; /* sites that had a child of their own */
    unsigned nfocused;
    bool interrupted;
    bool one_plan;
    uint64_t began; /* clock_now() */
    bool unjudged;  /* a child died or hung, and the detector for it is off */
    int cannot;     /* status of a plan that could not be run */
};

/* Runs every plan, comes to the verdict, and runs again what was found. On success the report is complete. Returns 0,
 * or -errno when no child could be started. */
int session_run(struct session *session, const struct plan *plans, size_t n);

/* What the session owns: its report and sightings. */
void session_clear(struct session *session);
