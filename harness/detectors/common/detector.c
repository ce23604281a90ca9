#include "detectors/common/detector.h"

/* Set by child main before the workers start. */
void (*detector_explain)(const struct detector_call *call);
