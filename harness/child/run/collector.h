/* The collector: a thread of ours that forces garbage collections at random times while the workers are in a round, as
 * any thread that allocates would: a collection stops the world, which a thread that waits attached prevents for ever.
 *
 * Contract. Child main starts and joins it, attached. It waits detached at run->barrier, as workers do, and comes to
 * the end of a round last, so that no collection runs between rounds.
 */
#pragma once

#include <pthread.h>

#include "child/run/run.h"

struct collector {
    struct run *run;
    PyInterpreterState *interpreter;
    pthread_t thread;
};

/* The caller joins collector->thread. Returns 0 or -errno. */
int collector_start(struct collector *collector, struct run *run);
