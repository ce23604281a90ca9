/* Roles: the threads of a run with outcomes. Each worker is one role. The main thread makes sets of fresh objects, and
 * the roles run their statements once over each set: all at the same time, or one statement after the other.
 *
 * Contract. One stage in a process. The main thread fills it while the roles wait at `all`, detached, and reads results
 * after they have come back to it. A role writes its own struct role only. `turn` is written by the role that it
 * points to; the others read it, detached. No role waits attached, but for a microsecond or two at `attached`.
 */
#pragma once

#include <Python.h>

#include <stdatomic.h>
#include <stdint.h>

#include "base/prng.h"
#include "child/meet/barrier.h"
#include "child/run/run.h"
#include "child/run/worker.h"

#define ROLES_MAX PLAN_OUTCOME_ROLES_MAX
#define ROLE_STEPS_MAX 8
#define SETS_MAX 512
#define TURNS_MAX (SETS_MAX * ROLES_MAX * ROLE_STEPS_MAX)

enum role_task { TASK_MEET, TASK_ORDERS, TASK_END };

/* What the statements of one role gave over one set. */
struct role_result {
    PyObject *values[ROLE_STEPS_MAX];
    unsigned n;
    PyObject *raised; /* the exception that ended the role, or NULL */
};

struct role {
    _Alignas(128) struct prng prng;
    PyObject *names[SETS_MAX];
    struct bound_step *bound; /* of each set, one after the other */
    struct role_result results[SETS_MAX];
    unsigned nsets; /* that it holds */
    uint64_t time;  /* ns of its shortest statement in turn; 0: none yet */
};

struct turn {
    uint16_t set;
    uint8_t role;
};

struct stage {
    struct run *run;
    unsigned nroles;
    enum role_task task;
    PyObject *sets[SETS_MAX]; /* dicts of names */
    unsigned nsets;
    uintptr_t words[SETS_MAX]; /* in a shared object of the set, to stall at; 0: none */
    uint64_t delay;            /* ns, at most, between the release of a role and its first call */
    struct barrier all;        /* the roles and the main thread */
    struct barrier meet;       /* the roles */
    struct turn turns[TURNS_MAX];
    uint32_t nturns;
    _Alignas(64) _Atomic uint32_t turn;
    _Alignas(64) _Atomic uint32_t awake;    /* roles that have left the barrier, over all sets; detached */
    _Alignas(64) _Atomic uint32_t attached; /* and those that are about to make their first call */
    struct role roles[ROLES_MAX];
};

extern struct stage role_stage;

/* The work of one worker until TASK_END. Attached. */
void role_work(struct worker *worker);

/* The main thread, attached: has the roles do the task, and waits for them. Returns false where one statement in turn
 * does not return for a long time. */
bool role_run(enum role_task task);
