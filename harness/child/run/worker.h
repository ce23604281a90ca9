/* A worker: a native thread with a Python thread state of its own that runs one body over and over.
 *
 * Contract. Started and joined by the child's main thread. It waits at barriers detached and works attached; every few
 * calls it detaches for an instant, because a stop-the-world collection of another thread waits for that.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "child/run/run.h"
#include "detectors/common/detector.h"

struct learn;

/* On cache lines of its own: it counts in every call, and workers lie side by side. */
struct worker {
    _Alignas(128) struct run *run;
    unsigned index;
    pthread_t thread;
    PyInterpreterState *interpreter;
    struct space space;
    uint32_t generation;
    const struct body *body;
    unsigned body_index;      /* of the first statement too: several bodies have one each */
    struct bound_step *bound; /* one for each step of the body */
    struct ft_worker native;
    PyObject **native_inputs;
    void *native_state;
    bool native_ready;
    bool done;           /* a statement raised SystemExit: this thread has nothing more to do */
    bool names_case;     /* the statements say what they are doing in a variable `case` */
    uint64_t iterations; /* done since the worker began */
    uint64_t calls;
    uint64_t sample_at; /* number of the call that looks who else is inside */
    struct board_slot *slot;
    struct detector_call call;
    struct learn *learn; /* serial pass only */
    bool allocated;
};

/* Returns 0 or -errno. */
int worker_start(struct worker *worker);
void worker_join(struct worker *worker);

/* Gives the thread its names for the round: new when the base is. Attached, on the worker's own thread (or the main
 * thread for the serial pass). Returns false when it said why it cannot. */
bool worker_prepare(struct worker *worker);
void worker_release(struct worker *worker);

/* One iteration of the body. Attached. Returns false when a statement raised. */
bool worker_iterate(struct worker *worker);
