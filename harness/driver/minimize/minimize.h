/* Makes the plan of a finding smaller as long as it fails in the same way and not more rarely. Driver, one thread.
 *
 * After each step the state lies in a folder: state.json, with all that a later run needs, and plan.yaml, the smallest
 * plan. A run that was ended at any moment goes on from there.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "driver/minimize/rate.h"
#include "driver/minimize/reducer.h"
#include "driver/minimize/tester.h"
#include "driver/mode/mode.h"

struct minimize {
    /* Set by the caller. */
    struct tester tester;
    const char *signature;      /* of the finding */
    struct reducer_hint needed; /* what it has seen */
    const char *dir;            /* folder of the state; it exists */
    const struct plan *plan;    /* of the finding */
    uint64_t deadline;          /* clock_now() */
    /* The results. */
    struct rate before, after; /* of the plan and of the smallest one */
    unsigned candidates, children, accepted;
    bool complete;  /* no smaller variant is left */
    double seconds; /* in all, with those of ended runs */
    /* Its own. */
    struct likeness like;
    json_t *tried;    /* variants, each with the failures a second that it was rarer than */
    char *statement;  /* that fails, in the smallest plan */
    double now;       /* failures a second of the smallest plan, as it seems */
    double least;     /* and what it has at least, at 97.5 % */
    bool second_look; /* variants of what runs are tried again, against the plan's own rate */
    double idle;      /* s of a child that does not fail */
    uint64_t began;
};

/* Returns 0; -ECANCELED when the plan does not fail, so that there is nothing to make smaller; or -errno with a
 * sentence in `error`. */
int minimize_run(struct minimize *minimize, char *error, size_t error_size);
void minimize_clear(struct minimize *minimize);
