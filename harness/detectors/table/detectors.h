/* The table of the child's detectors, and one call for each hook of all selected ones. Thread rules: detector.h and
 * counting.h. */
#pragma once

#include "detectors/common/counting.h"

/* The detectors of this child that `bits` ask for. Child main. */
void detectors_select(uint32_t bits, int wire);
bool detectors_on(enum detector_id id);

/* Calls the hook of every selected detector. */
void detectors_before_call(struct detector_call *call);
void detectors_after_call(struct detector_call *call, PyObject *result, PyObject *raised);
void detectors_end_round(struct detector_call *call);
void detectors_finish(struct detector_call *call);
void detectors_after_end(int wire);

/* Before the statements are called at all. names: as in a window; none at rung private. */
void detectors_begin_counting(struct detector_call *call, const struct plan *plan, PyObject *const *names,
                              unsigned nnames);
void detectors_window(struct detector_call *call, const struct plan *plan,
                      const struct counting_window *window);
/* The plan's release step has run after the arm of equal calls. */
void detectors_released(struct detector_call *call, const struct plan *plan);
