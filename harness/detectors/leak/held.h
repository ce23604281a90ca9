/* Objects of the target's own types that are held after the calls, and after the plan's release step. For the detectors
 * growth and shutdown; the hooks of counting.h. */
#pragma once

#include "detectors/common/counting.h"

void held_begin(struct detector_call *call, const struct counting_window *window);
void held_window(const struct counting_window *window);
void held_released(struct detector_call *call);
