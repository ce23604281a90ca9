#include "detectors/counting.h"
const struct detector shutdown_detector = {
    .id = DETECTOR_SHUTDOWN,
};
