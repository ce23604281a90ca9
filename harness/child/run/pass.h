/* A pass: one native thread, set up like a worker, runs the steps of a lane over the workers' inputs while no worker
 * runs.
 *
 * Contract. Child main, attached, while no worker is inside a round. Each pass is a native thread of its own, because
 * the properties of a thread (identifier, context variables, print options) must be as in workers, or be seen to
 * differ. No detector's hooks run around its calls.
 */
#pragma once

#include "child/run/run.h"
#include "detectors/result/diverge.h"

struct pass {
    struct run *run;
    unsigned lane, index; /* in the place of a worker of this index */
    void (*take)(const struct diverge_step *at, PyObject *result);
    const uint64_t *numbers; /* the n iterations that it makes in turn, or NULL: */
    uint64_t n, first;       /* n iterations from the first on, over and over */
    bool twice;              /* each of the numbers twice, and then the next; see also: */
    bool interleaved;        /* the second time, another worker makes an iteration before each step */
    uint64_t calls, time;    /* iterations, and ns: at most */
    bool fresh;              /* the inputs are not damaged: what a call raises is no finding */
    bool stirs;  /* the contents of free memory and the addresses of blocks differ between the first calls */
    bool again;  /* after a difference under threads: there is another thread then, too */
    bool orders; /* each second iteration makes each call twice, in reverse order */
    uint64_t made, took; /* iterations, and ns */
};

/* Fewest iterations of a pass, whatever the time. */
#define PASS_LEAST 3
/* Most iterations and ns of a pass that makes a few calls. */
#define PASS_CALLS 12
#define PASS_TIME (CLOCK_SECOND / 4)

/* If the thread cannot be started, pass->made is 0. */
void pass_run(struct pass *pass);
