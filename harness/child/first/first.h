/* First uses of a module, in many short-lived processes: each makes the setup's objects, lets all threads make their
 * first calls together, and ends. The state that a module fills in at its first call, such as a table or a cache of its
 * own, is new in each of them.
 *
 * The child becomes a zygote: it imports modules and never calls a statement. A process of the learning kind runs the
 * ordinary serial pass. Lone passes in further processes give the right results, with the calls in several orders; a
 * statement with different results there is not compared. Then come the races, until the time is over.
 *
 * Contract. Child main, attached, without the guard: its checker is a thread that a fork lacks. */
#pragma once

#include "child/run/run.h"

/* In place of run_plan. Returns STATUS_CLEAN, or another exit status after sending the reason. */
int first_run(struct run *run);
