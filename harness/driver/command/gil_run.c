#include "driver/command/gil_run.h"

#include <errno.h>
#include <stdio.h>

#include "core/plan/detector_list.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
/* The others compare threads, or look for what threads do to one another. */
#define SEEN_WITH_GIL (DETECTOR_COUNTERS | BIT(CRASH) | BIT(HANG) | BIT(LOG))

int gil_run_narrow(struct plan *plan, const struct probe *probe, char *error, size_t error_size)
{
    if (!(plan->detect & DETECTOR_COUNTERS)) {
        snprintf(
            error, error_size,
            "CPython %s has the GIL, so no race can show; look for leaks (--detect growth,refcount,shutdown), "
            "name a free-threaded interpreter with -p, or pass --allow-gil",
            probe->version);
        return -ENOTSUP;
    }
    plan->detect &= SEEN_WITH_GIL;
    plan->threads = 1;
    return 0;
}

void gil_run_note(struct note_list *notes, const struct probe *probe)
{
    note_add(notes,
             "CPython %s has the GIL: this run is about leaks and shutdown, on one thread, not about races",
             probe->version);
}
