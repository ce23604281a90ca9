/* Who answers malloc in this process. On the first thread, once, early in main. */
#pragma once

#include "heap/guard/guard.h"

/* The guard from now on. Returns 0 or -errno; the C library goes on then. */
int interpose_start(const struct guard_settings *settings);

/* The C library, for good: its layout and its timing. */
void interpose_leave_native(void);
