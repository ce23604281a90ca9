/* What the driver sees of a child that stands still: its threads, what each wrote of itself, and what they sleep on.
 * Driver only, one thread.
 *
 * Contract. Every wait is bounded. A thread tells of itself (core/scene.h) when it is asked; one that does not answer,
 * because it blocks signals or is stuck in the kernel, is walked through ptrace like all others, and the fuller of the
 * two stacks is kept. What ptrace may not do leaves what the threads told, and the other way round.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "driver/outcome/outcome.h"

/* The process must be a child of ours, in its crash handler or hung. Fills threads, pages, sleepers, and maps where the
 * child sent none. Under a tool it may not be traced: that would show the tool's own stacks. */
void look_at_child(pid_t pid, const struct board *board, bool may_trace, struct outcome *outcome);

/* The child is gone: what its threads had written by then. */
void look_at_pages(const struct board *board, struct outcome *outcome);
