/* Reads a child without progress: its threads, their stacks, and the locks on which they sleep. Driver, one thread.
 *
 * Contract. Every wait is bounded. On request a thread writes its own page (core/wire/scene.h). A thread that does
 * not answer, because it blocks signals or is stuck in the kernel, is read through ptrace, and of two stacks the more
 * complete one is used. Where ptrace is forbidden the pages remain, and the other way round. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "driver/outcome/outcome.h"

/* Fills threads, pages and sleepers of the outcome, and its maps where the child sent none. The process must be a child
 * of this one, in its crash handler or hung. A child under a tool may not be traced: the stacks would be the tool's. */
void look_at_child(pid_t pid, const struct board *board, bool may_trace, struct outcome *outcome);

/* Fills pages and threads from what a child wrote before it ended. */
void look_at_pages(const struct board *board, struct outcome *outcome);
