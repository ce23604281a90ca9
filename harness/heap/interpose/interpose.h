/* The choice of the allocator behind malloc in this process. On the first thread, once, early in main. */
#pragma once

#include "heap/guard/guard.h"

/* Selects the guard. Returns 0 or -errno; then the C library stays. */
int interpose_start(const struct guard_settings *settings);

/* Selects the C library for good, with its own layout and timing. */
void interpose_leave_native(void);
