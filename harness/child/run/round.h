/* Starts the workers, and runs their rounds and the steps between them.
 *
 * Contract. Child main, attached. Workers wait at the barrier, detached, while none of these functions runs.
 */
#pragma once

#include "child/run/run.h"
#include "detectors/common/detector.h"

/* Starts the workers, calls `lead`, which runs the rounds, and ends the workers. Returns an exit status. */
int run_workers(struct run *run, int (*lead)(struct run *run, struct worker *workers));

/* The same for one series of a counting run: its calls are those of the steps or of the plan's `new`. */
int run_arm(struct run *run, enum counted_arm arm, int (*lead)(struct run *run, struct worker *workers));

/* Sends the calls of the series at each of n points. */
void run_send_calls(const struct run *run, enum counted_arm arm, const int64_t *calls, unsigned n);

/* Runs one round of round_calls iterations: detached until all workers have come back. */
void run_round(struct run *run);

/* Checks the inputs and the results after a round. */
void run_check_round(struct run *run);

/* Makes each call of the plan's `new` once on this thread, to report a mistake in it. Returns an exit status. */
int run_try_fresh(struct run *run);

/* Runs the release step, where the plan has one. Returns false after sending the exception that it raises. */
bool run_release(struct run *run);

/* The argument of detectors' hooks between rounds. */
struct detector_call run_main_call(struct run *run);
