/* Runs children of several plans beside each other, each under a process of its own that judges it. Driver, one thread.
 *
 * Contract. A tester's processes are forks of this one: they have its memory as it was, and send one result through a
 * pipe. They end with this process. tester_stop ends their children as Ctrl-C does, and waits for them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "driver/finding/likeness.h"
#include "driver/session/repeat.h"

#define TESTER_SLOTS_MAX REQUEST_JOBS_MAX

/* A child that came to its end. */
struct tester_result {
    bool ran;         /* it could run the plan */
    bool fails;       /* with the failure that is looked for */
    bool others;      /* with another finding, and not with this one */
    bool interrupted; /* by Ctrl-C */
    double seconds;
    double start;          /* s until the threads ran; 0: they did not */
    double seconds_to_hit; /* of the failure, after the start, where it was the only finding; or 0 */
};

struct tester {
    /* Set by the caller. */
    struct mode_run *mode;
    struct job_settings settings;
    unsigned jobs; /* children at the same time; at most TESTER_SLOTS_MAX */
    bool quiet;    /* no progress on standard error */
    /* Its own. */
    struct tester_slot {
        pid_t pid; /* 0: free */
        int fd;
        size_t tag;
    } slots[TESTER_SLOTS_MAX];
    unsigned running;
    double start;     /* the shortest of all children */
    bool interrupted; /* by Ctrl-C */
};

/* Starts a child of the plan. `tag` is its caller's name for the plan; `like` has the failure. Something must be free.
 * Returns 0 or -errno. */
int tester_start(struct tester *tester, const struct plan *plan, const struct likeness *like, bool others,
                 size_t tag);

/* Waits for the next result, until the deadline (clock_now()). Returns 1 with a result; 0 when the time is over, a
 * signal came, or nothing runs. */
int tester_wait(struct tester *tester, uint64_t deadline, struct tester_result *ret, size_t *ret_tag);

/* Ends the children of a plan, or all of them (TESTER_ALL). Their results are lost. */
#define TESTER_ALL SIZE_MAX
void tester_stop(struct tester *tester, size_t tag);
