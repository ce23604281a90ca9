/* Repeats the plan of a finding in fresh children, until its rate is known well enough. Driver, one thread. */
#pragma once

#include <stdint.h>

#include "driver/finding/likeness.h"
#include "driver/finding/verification.h"
#include "driver/session/session.h"

struct repeat {
    /* Set by the caller. */
    const char *id, *signature;  /* of the finding; either one makes it the same failure */
    const struct likeness *like; /* of a changed plan: this makes it the same failure; or NULL */
    unsigned hits, most;         /* failures that are enough, and children at most */
    uint64_t deadline;           /* clock_now() */
    bool brief;                  /* a child has the time of the plan after its start, and no more */
    /* The results: trials and first failures. */
    struct verification found;
    bool others; /* a child had another finding and not this one; the caller may set it, too */
    bool started;
};

/* Goes on with the trials; a caller may raise `most` and call it again. The session has its request, mode and settings:
 * the first trial fills in the rest. Adds every finding to session->run. Returns 0, or -errno when no child could be
 * started. */
int repeat_run(struct repeat *repeat, struct session *session, const struct plan *plan);

/* Makes one more trial. Returns 1 where it failed, 0 where not, -1 where there is no further one. */
int repeat_once(struct repeat *repeat, struct session *session, const struct plan *plan);

/* Is it the failure that is repeated? Of the plan as it was. */
bool repeat_is_same(const struct repeat *repeat, const struct finding *finding);

/* Completes what session->run knows of its findings. */
void repeat_conclude(struct session *session);
