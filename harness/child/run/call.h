/* One call of a statement by a worker, with the hooks of the detectors around it.
 *
 * Contract. On the worker's own thread, attached; in the serial pass on the main thread. A thread has one call at a
 * time. Between call_make's hooks and the target there is as little as possible, and what no hook needs is left out:
 * the more calls a second, the more races.
 */
#pragma once

#include <stdbool.h>

struct worker;

/* At the begin of a round: finds out who looks at its calls. is_new: so are the worker's names. */
void call_prepare(struct worker *worker, bool is_new);

/* Makes the next call of this step, and counts it. Returns false when it raised what the plan does not declare. */
bool call_make(struct worker *worker, unsigned step);
