#include "core/plan/plan.h"

const char *const rung_names[RUNG_COUNT] = {
    [RUNG_PRIVATE] = "private",
    [RUNG_READONLY] = "readonly",
    [RUNG_ONE_WRITER] = "one-writer",
    [RUNG_ALL] = "all",
};
