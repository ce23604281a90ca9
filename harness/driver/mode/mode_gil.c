/* A run in an interpreter with the GIL: on one thread, about leaks and shutdown. */
#include "core/plan/detector_list.h"
#include "core/wire/status.h"
#include "driver/mode/mode.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
/* The others compare threads, or find what threads do to one another. */
#define USEFUL (DETECTOR_COUNTERS | BIT(CRASH) | BIT(HANG) | BIT(LOG))

static bool is_selected(const struct mode_query *query)
{
    return query->probe && !query->probe->free_threaded && !query->request->allow_gil;
}

static int prepare(struct mode_run *run, struct plan *plans, size_t n, struct sentence *error)
{
    for (size_t i = 0; i < n; i++) {
        if (!(plans[i].detect & DETECTOR_COUNTERS))
            return sentence_fail(STATUS_UNTESTED, error,
                                 "look for leaks (--detect growth,refcount,shutdown), name a free-threaded "
                                 "interpreter with -p, or pass --allow-gil",
                                 "CPython %s has the GIL, so no race can show", run->probe.version);
        plans[i].detect &= USEFUL;
        plans[i].threads = 1;
    }
    return 0;
}

void mode_gil_note(const struct probe *probe, struct note_list *notes)
{
    note_add(notes,
             "CPython %s has the GIL: this run is about leaks and shutdown, on one thread, not about races",
             probe->version);
}

static void configure(const struct mode_run *run, struct job_settings *settings, struct run *report)
{
    settings->allow_gil = true;
    mode_gil_note(&run->probe, &report->notes);
}

const struct mode mode_gil = {
    .name = "gil",
    .forks = true,
    .members = &mode_plain_members,
    .is_selected = is_selected,
    .find_child = mode_find_child,
    .prepare = prepare,
    .configure = configure,
};
