/* The table of the child's detectors, and for each hook a function that calls it in all selected ones. Thread rules:
 * detector.h and counting.h. */
#pragma once

#include "detectors/common/counting.h"

/* Selects and starts the detectors in `bits`. Child main. */
void detectors_select(uint32_t bits, int wire);
bool detectors_on(enum detector_id id);

/* Has a selected one a hook around calls? */
bool detectors_see_calls(void);
void detectors_before_call(struct detector_call *call);
void detectors_after_call(struct detector_call *call, PyObject *result, PyObject *raised);
void detectors_end_round(struct detector_call *call);
void detectors_finish(struct detector_call *call);
void detectors_after_end(int wire);

/* Before the first call. window: only the plan and the names; no names at the sharing level `private`. */
void detectors_begin_counting(struct detector_call *call, const struct counting_window *window);
void detectors_window(struct detector_call *call, const struct counting_window *window);
/* After the plan's release step, which follows the equal calls. */
void detectors_released(struct detector_call *call);
