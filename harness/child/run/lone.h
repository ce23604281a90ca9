/* Calls on one thread before the workers: the detector `diverge` learns the results of statements from them.
 *
 * Contract. Child main, attached, while no worker is inside a round.
 */
#pragma once

#include "child/run/run.h"

/* Learns the result of each step, where results can be compared. Before the workers, after the serial pass. */
void lone_learn(struct run *run);

/* Sends which statements have their results compared and their exceptions judged. Before the workers, and at the
 * end. */
void lone_send(struct run *run);
