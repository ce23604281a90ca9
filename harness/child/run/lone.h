/* A lone pass: a thread like a worker, but alone, runs a role's steps over the inputs that workers have. The detector
 * `diverge` learns from it what statements give, and asks again when a worker saw something else.
 *
 * Contract. Child main, attached, while no worker is inside a round. Each pass is a native thread of its own, because
 * what belongs to threads (identifiers, context variables, print options) must be as it is for workers, or be seen to
 * differ. No detector looks at its calls.
 */
#pragma once

#include "child/run/run.h"
#include "detectors/common/detector.h"

/* Before the workers, after the serial pass: what every step gives, where results may be compared at all. */
void lone_learn(struct run *run);

/* After a round, before the inputs are made again. */
void lone_settle(struct run *run, struct detector_call *call);
