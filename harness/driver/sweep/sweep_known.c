/* Findings of the baseline that a unit did not show: were they looked for? */
#include "driver/sweep/sweep_unit.h"

#include <string.h>

#include "base/text.h"
#include "core/plan/detector_list.h"
#include "driver/finding/known.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_trial.h"

static void add_looks(json_t *row, const char *detector, long long more)
{
    if (!json_object_get(row, "looks"))
        json_object_set_new(row, "looks", json_object());
    json_t *looks = json_object_get(row, "looks");
    json_object_set_new(looks, detector, json_integer(document_number(looks, detector) + more));
}

/* A call that came back on one thread did not show what the detectors of the scan look for. */
static void count_serial(const struct unit *unit, size_t owner, const struct known *known)
{
    for (size_t i = 0; i < unit->n; i++) {
        const struct unit_call *call = &unit->calls[i];
        bool came_back = call->state >= CALL_RETURNED && call->state <= CALL_CHANGED;
        if (call->owner != owner || !came_back || unit_is_in_place(unit, call) ||
            !unit_has_arguments(known->texts[KNOWN_STATEMENT], call))
            continue;
        for (int k = 0; k < DETECTOR_COUNT; k++)
            if (unit_scan_detectors() & DETECTOR_BIT(k) &&
                text_equal(detector_rows[k].name, known->texts[KNOWN_DETECTOR]))
                add_looks(json_array_get(unit->rows, owner), detector_rows[k].name, 1);
    }
}

/* Runs the call alone with threads, as it ran when it was found. */
static int look_with_threads(struct sweep *sweep, struct unit *unit, size_t owner, const struct known *known)
{
    const struct unit_call *call = unit_find_returned(unit, owner, known);
    json_t *row = json_array_get(unit->rows, owner);
    json_auto_t *report = NULL;
    const char *detector;
    json_t *looks;
    if (!call || json_object_get(row, "looks"))
        return 0;
    if (sweep_is_over(sweep)) {
        unit->complete = false;
        return 0;
    }
    int error = unit_run_call(sweep, unit, call, &report);
    json_object_foreach (json_object_get(report, "looks"), detector, looks)
        add_looks(row, detector, document_number(looks, "threads"));
    return error;
}

int unit_look_for_known(struct sweep *sweep, struct unit *unit)
{
    int error = 0;
    for (size_t i = 0; i < json_array_size(unit->rows); i++)
        for (size_t k = 0; k < sweep->known->n && !error; k++) {
            const struct known *known = &sweep->known->items[k];
            const json_t *row = json_array_get(unit->rows, i);
            if (unit_is_open(known, row, false))
                error = look_with_threads(sweep, unit, i, known);
        }
    for (size_t i = 0; i < json_array_size(unit->rows); i++)
        for (size_t k = 0; k < sweep->known->n && !error; k++)
            if (unit_is_open(&sweep->known->items[k], json_array_get(unit->rows, i), true))
                count_serial(unit, i, &sweep->known->items[k]);
    return error;
}
