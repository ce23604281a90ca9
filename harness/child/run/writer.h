/* The writer: at the rungs one-writer and all, the harness itself writes to what the threads share, between calls.
 * Recipe inputs get other bytes from their recipe, where the recipe is not read-only; what the setup made is written by
 * the plan's own code.
 *
 * Contract. Learnt and cleared by the child's main thread, attached, while no worker is inside a round. A worker writes
 * between its calls, attached; that this races with the calls of others is what it is for.
 */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "core/plan/plan.h"
#include "detectors/watch/watched.h"

#define WRITER_VARIANTS 4

struct run;
struct worker;

struct writer {
    struct watched variants[PLAN_INPUTS_MAX][WRITER_VARIANTS]; /* arrays like the input, with other bytes */
    bool any;                                                  /* there is something to write to */
};

/* After the serial pass: what the plan's code changes is not the statements' doing. Tells the driver which arrays are
 * written. Returns false when it said why the plan cannot be run. */
bool writer_learn(struct run *run);
void writer_clear(struct run *run);

/* One turn of this worker; nothing where it does not write. */
void writer_write(struct worker *worker);
