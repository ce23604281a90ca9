/* Replays: calls on one thread after a round, in which a worker got another result than one thread, or an exception.
 *
 * Contract. Child main, attached, while no worker is inside a round, before the inputs are made again.
 */
#pragma once

#include "child/run/run.h"
#include "detectors/common/detector.h"

/* Makes the iterations of uncertain results and of held exceptions again, and reports what one thread does not get. */
void replay_settle(struct run *run, struct detector_call *call);
