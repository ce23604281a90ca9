/* What the calls made of the target's own types and still hold, and what of it the plan's release step frees. For the
 * detectors growth and shutdown, whichever is on; the hooks of counting.h. */
#pragma once

#include "detectors/common/counting.h"

void held_begin(struct detector_call *call, const struct plan *plan, PyObject *const *names, unsigned nnames);
void held_window(const struct counting_window *window);
void held_released(struct detector_call *call, const struct plan *plan);
