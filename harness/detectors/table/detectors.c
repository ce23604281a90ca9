#include "detectors/table/detectors.h"

#include <errno.h>
#include <stdio.h>

#define POINTER(id, name, about) &name##_detector,
static const struct detector *const detectors[] = {DETECTOR_LIST(POINTER, DETECTOR_NO_CHILD)};

#define COUNT (sizeof detectors / sizeof *detectors)

/* In turn. */
static const struct detector *selected[COUNT];
static unsigned nselected;

static void insert(const struct detector *detector)
{
    unsigned at = nselected++;
    for (; at > 0 && selected[at - 1]->turn > detector->turn; at--)
        selected[at] = selected[at - 1];
    selected[at] = detector;
}

static void note_off(const struct detector *detector, int wire)
{
    char text[384];
    snprintf(text, sizeof text, "detector %s does not work on this machine and is off%s%s",
             detector_rows[detector->id].name, detector->excuse ? ": " : "",
             detector->excuse ? detector->excuse() : "");
    RECORD_SEND(wire, RECORD_NOTE, .texts = {text});
}

void detectors_select(uint32_t bits, int wire)
{
    nselected = 0;
    for (size_t i = 0; i < COUNT; i++)
        if (bits & DETECTOR_BIT(detectors[i]->id))
            insert(detectors[i]);
    unsigned wanted = nselected;
    nselected = 0;
    for (unsigned i = 0; i < wanted; i++)
        if (!selected[i]->start || selected[i]->start() >= 0)
            selected[nselected++] = selected[i];
        else
            note_off(selected[i], wire);
}

bool detectors_on(enum detector_id id)
{
    for (unsigned i = 0; i < nselected; i++)
        if (selected[i]->id == id)
            return true;
    return false;
}

#define CALL_EACH(hook, ...)                                                                                 \
    for (unsigned i = 0; i < nselected; i++) {                                                               \
        if (selected[i]->hook)                                                                               \
            selected[i]->hook(__VA_ARGS__);                                                                  \
    }

void detectors_before_call(struct detector_call *call)
{
    CALL_EACH(before_call, call);
}

void detectors_after_call(struct detector_call *call, PyObject *result, PyObject *raised)
{
    CALL_EACH(after_call, call, result, raised);
}

void detectors_end_round(struct detector_call *call)
{
    CALL_EACH(end_round, call);
}

void detectors_finish(struct detector_call *call)
{
    CALL_EACH(finish, call);
}

void detectors_after_end(int wire)
{
    CALL_EACH(after_end, wire);
}

void detectors_begin_counting(struct detector_call *call, const struct plan *plan, PyObject *const *names,
                              unsigned nnames)
{
    CALL_EACH(begin, call, plan, names, nnames);
}

void detectors_window(struct detector_call *call, const struct plan *plan,
                      const struct counting_window *window)
{
    CALL_EACH(window, call, plan, window);
}

void detectors_released(struct detector_call *call, const struct plan *plan)
{
    CALL_EACH(released, call, plan);
}
