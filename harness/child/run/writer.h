/* The writer: at the sharing levels one-writer and all, the harness writes to the shared inputs between calls. An input
 * from a recipe gets other bytes of that recipe, unless it is read-only; objects of the setup are written by the plan's
 * own code.
 *
 * Contract. The child's main thread learns and clears, attached, while no worker is inside a round. A worker writes
 * between its calls, attached; the race with the calls of others is intended.
 */
#pragma once

#include <stdbool.h>

#include "core/plan/plan.h"
#include "detectors/watch/watched.h"

#define WRITER_VARIANTS 4

struct run;
struct worker;

struct writer {
    struct watched variants[PLAN_INPUTS_MAX][WRITER_VARIANTS]; /* arrays like the input, with other bytes */
    bool any;                                                  /* some array or object is written */
};

/* Learns what the plan's writer code changes, and sends which arrays are written. After the serial pass, which learns
 * what the statements change. Returns false after sending why the plan cannot be run. */
bool writer_learn(struct run *run);
void writer_clear(struct run *run);

/* Takes one turn of this worker, where it writes at all. */
void writer_write(struct worker *worker);
