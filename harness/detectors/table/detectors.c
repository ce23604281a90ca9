#include "detectors/table/detectors.h"

#include <errno.h>
#include <stdio.h>

#define POINTER(id, name, ...) &name##_detector,
static const struct detector *const detectors[] = {DETECTOR_LIST(POINTER, DETECTOR_NO_CHILD)};

#define COUNT (sizeof detectors / sizeof *detectors)

/* In turn. */
static const struct detector *selected[COUNT];
static unsigned nselected;

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
    unsigned wanted = 0;
    for (size_t i = 0; i < COUNT; i++) {
        unsigned at = wanted;
        if (!(bits & DETECTOR_BIT(detectors[i]->id)))
            continue;
        for (; at > 0 && selected[at - 1]->turn > detectors[i]->turn; at--)
            selected[at] = selected[at - 1];
        selected[at] = detectors[i];
        wanted++;
    }
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

bool detectors_see_calls(void)
{
    for (unsigned i = 0; i < nselected; i++)
        if (selected[i]->before_call || selected[i]->after_call)
            return true;
    return false;
}

/* Defines detectors_HOOK, which calls the hook of all selected detectors in turn. */
#define HOOK(hook, parameters, ...)                                                                          \
    void detectors_##hook parameters                                                                         \
    {                                                                                                        \
        for (unsigned i = 0; i < nselected; i++)                                                             \
            if (selected[i]->hook)                                                                           \
                selected[i]->hook(__VA_ARGS__);                                                              \
    }

HOOK(before_call, (struct detector_call * call), call)
HOOK(after_call, (struct detector_call * call, PyObject *result, PyObject *raised), call, result, raised)
HOOK(end_round, (struct detector_call * call), call)
HOOK(finish, (struct detector_call * call), call)
HOOK(begin_counting, (struct detector_call * call, const struct counting_window *window), call, window)
HOOK(window, (struct detector_call * call, const struct counting_window *window), call, window)
HOOK(released, (struct detector_call * call), call)
HOOK(after_end, (int wire), wire)
