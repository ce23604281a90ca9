/* A session: the plans of one request, run in one child after the other, and what all of them add up to. Driver, one
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/plan/option.h"
#include "driver/finding/run.h"
#include "driver/job/job.h"
#include "driver/mode/mode.h"
#include "driver/session/progress.h"

/* Children in all for the sites of damaged blocks. */
#define SESSION_FOCUS_MAX 24

/* What each child could have seen, for "in k of N". */
struct session_sighting {
    uint32_t detect;
    uint32_t threads; /* of these, the detectors that look at calls under threads */
};

struct session {
    /* Set by the caller; what they point to outlives the session. */
    const struct request *request;
    struct mode_run *mode;
    struct job_settings settings; /* all but tick, context and lengths */
    struct run run;               /* its name, seed, share and threads; the session fills the rest */
    /* The session's own. */
    struct progress progress;
    struct session_sighting *sightings;     /* one for each child */
    unsigned stillborn;                     /* children in a row that died before their first round */
    const char *focused[SESSION_FOCUS_MAX]; /* sites that had a child of their own */
    unsigned nfocused;
    bool interrupted;
    bool one_plan;
    bool unjudged;   /* a child died or hung, and the detector for it is off */
    bool wire_lost;  /* a child reached its end, but not all of its records arrived */
    unsigned killed; /* children that the kernel or an operator killed */
    uint64_t began;  /* clock_now() */
    int cannot;      /* exit status for run.reason */
};

/* Runs every plan, decides the status, and verifies the findings. On success session->run is complete. Returns 0, or
 * -errno when no child could be started. */
int session_run(struct session *session, const struct plan *plans, size_t n);

/* Frees the run and what else the session owns. */
void session_clear(struct session *session);
