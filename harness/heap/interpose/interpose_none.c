/* For a child under a sanitizer, which has a malloc of its own: there is no guard. */
#include "heap/interpose/interpose.h"

#include <errno.h>

int interpose_start(const struct guard_settings *settings)
{
    (void)settings;
    return -ENOTSUP;
}

void interpose_leave_native(void)
{
}
