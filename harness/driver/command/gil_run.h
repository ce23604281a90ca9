/* Runs in an interpreter that is built with the GIL: they are about leaks and shutdown, not about races. Driver. */
#pragma once

#include <stddef.h>

#include "core/plan/plan.h"
#include "driver/finding/note.h"
#include "driver/tool/probe.h"

/* Leaves to the plan one thread, and the detectors that have something to say there. On failure `error` is one
 * sentence. Returns 0, or -ENOTSUP when no detector of leaks is left. */
int gil_run_narrow(struct plan *plan, const struct probe *probe, char *error, size_t error_size);

/* Says in the report what the run was about. */
void gil_run_note(struct note_list *notes, const struct probe *probe);
