/* A lone pass: one thread, set up like a worker, runs the steps of a role over the workers' inputs while no worker
 * runs. The detector `diverge` learns the results of statements from it, and repeats the pass when a worker gets
 * another one.
 *
 * Contract. Child main, attached, while no worker is inside a round. Each pass is a native thread of its own,
 * because the properties of a thread (identifier, context variables, print options) must be as in workers, or be seen
 * to differ. No detector's hooks run around its calls.
 */
#pragma once

#include "child/run/run.h"
#include "detectors/common/detector.h"

/* Learns the result of each step, where results can be compared. Before the workers, after the serial pass. */
void lone_learn(struct run *run);

/* Sends which statements have their results compared and their exceptions judged. Before the workers, and at the
 * end. */
void lone_send(struct run *run);

/* Repeats the steps with uncertain results. After a round, before the inputs are made again. */
void lone_settle(struct run *run, struct detector_call *call);
