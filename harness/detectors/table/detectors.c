#include "detectors/table/detectors.h"

#include <errno.h>
#include <stdio.h>

/* Detectors of the child, in the order in which they look at a call: the exact ones first. */
static const struct detector *const detectors[] = {
    &tripwire_detector, &invariant_detector, &exception_detector, &diverge_detector, &guard_detector,
    &pyheap_detector,   &arena_detector,     &refcount_detector,  &growth_detector,  &shutdown_detector,
};

#define COUNT (sizeof detectors / sizeof *detectors)
#define ONE(id, name, about) +1
_Static_assert(COUNT == DETECTOR_LIST(ONE, DETECTOR_NO_CHILD),
               "each CHILD row of DETECTOR_LIST has its place above");

static const struct detector *selected[COUNT];
static unsigned nselected;

void detectors_select(uint32_t bits, int wire)
{
    nselected = 0;
    for (size_t i = 0; i < COUNT; i++) {
        if (!(bits & DETECTOR_BIT(detectors[i]->id)))
            continue;
        if (detectors[i]->start && detectors[i]->start() < 0) {
            struct record note;
            char text[384];
            snprintf(text, sizeof text, "detector %s does not work on this machine and is off%s%s",
                     detector_rows[detectors[i]->id].name, detectors[i]->excuse ? ": " : "",
                     detectors[i]->excuse ? detectors[i]->excuse() : "");
            record_begin(&note, RECORD_NOTE, RECORD_MAIN);
            record_add_text(&note, text);
            record_send(&note, wire);
            continue;
        }
        selected[nselected++] = detectors[i];
    }
}

bool detectors_on(enum detector_id id)
{
    for (unsigned i = 0; i < nselected; i++)
        if (selected[i]->id == id)
            return true;
    return false;
}

void detectors_before_call(struct detector_call *call)
{
    for (unsigned i = 0; i < nselected; i++)
        if (selected[i]->before_call)
            selected[i]->before_call(call);
}

void detectors_after_call(struct detector_call *call, PyObject *result, PyObject *raised)
{
    for (unsigned i = 0; i < nselected; i++)
        if (selected[i]->after_call)
            selected[i]->after_call(call, result, raised);
}

void detectors_end_round(struct detector_call *call)
{
    for (unsigned i = 0; i < nselected; i++)
        if (selected[i]->end_round)
            selected[i]->end_round(call);
}

void detectors_finish(struct detector_call *call)
{
    for (unsigned i = 0; i < nselected; i++)
        if (selected[i]->finish)
            selected[i]->finish(call);
}

void detectors_after_end(int wire)
{
    for (unsigned i = 0; i < nselected; i++)
        if (selected[i]->after_end)
            selected[i]->after_end(wire);
}

void detectors_begin_counting(struct detector_call *call, const struct plan *plan, PyObject *const *names,
                              unsigned nnames)
{
    for (unsigned i = 0; i < nselected; i++)
        if (selected[i]->begin)
            selected[i]->begin(call, plan, names, nnames);
}

void detectors_window(struct detector_call *call, const struct plan *plan,
                      const struct counting_window *window)
{
    for (unsigned i = 0; i < nselected; i++)
        if (selected[i]->window)
            selected[i]->window(call, plan, window);
}

void detectors_released(struct detector_call *call, const struct plan *plan)
{
    for (unsigned i = 0; i < nselected; i++)
        if (selected[i]->released)
            selected[i]->released(call, plan);
}
