/* Makes the plan of a finding smaller as long as it fails in the same way and not more rarely. Driver, one thread.
 *
 * After each step the state lies in a folder: plan.yaml, the smallest plan, and state.json. A run that was ended at any
 * moment goes on from there.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "driver/minimize/reducer.h"
#include "driver/mode/mode.h"
#include "driver/session/repeat.h"

struct minimize {
    /* Set by the caller. */
    struct mode_run *mode;
    struct job_settings settings;
    const char *id, *signature; /* of the finding */
    struct reducer_hint needed; /* what it has seen */
    const char *dir;            /* folder of the state; it exists */
    const char *plan;           /* path of the finding's plan */
    uint64_t deadline;          /* clock_now() */
    /* The results. */
    struct repeat before, after; /* trials of the plan and of the smallest one */
    double before_seconds, after_seconds;
    unsigned candidates, children, accepted;
    bool interrupted, complete; /* complete: no smaller variant is left */
    double seconds;             /* in all, with those of ended runs */
    /* Its own. */
    double start;
    uint64_t began;
    json_t *tried;
};

/* Returns 0; -ECANCELED when the plan does not fail, so that there is nothing to make smaller; or -errno with a
 * sentence in `error`. */
int minimize_run(struct minimize *minimize, char *error, size_t error_size);
void minimize_clear(struct minimize *minimize);
