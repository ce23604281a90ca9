/* The calls of a unit on one thread. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/embed.h"
#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_child.h"
#include "driver/sweep/sweep_scan.h"

EMBED(calls_source, FTSTRESS_CALLS);

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
#define DETECT (BIT(CRASH) | BIT(HANG) | BIT(LOG) | BIT(TRIPWIRE) | BIT(INVARIANT) | BIT(GUARD))
/* Processor time of the calls of a callable, in quarters of the limit of one call: the first pass leaves the others to
 * the next one, and that one leaves them out. A round of a fuzzer does so early: others follow. */
#define FIRST_QUARTERS 4
#define FORMS_QUARTERS 20
#define ROUND_QUARTERS 1
/* Calls between two checks of the whole heap: a check takes longer than most calls. Where one finds damage, or the
 * process ends before it, another child makes them again, with a check behind each. */
#define WINDOW 16
/* The time of a child: its calls have limits of their own. */
#define CHILD_TIME (3600 * CLOCK_SECOND)

uint32_t unit_scan_detectors(void)
{
    return DETECT;
}

static bool has_next(const struct unit *unit, size_t owner)
{
    bool has = false;
    for (size_t i = 0; i < unit->n && !has; i++)
        has = unit->calls[i].owner == owner && scan_is_next(&unit->calls[i]);
    return has;
}

static json_t *task_of(const struct sweep *sweep, const struct scan *scan, const struct unit *unit)
{
    json_t *calls = json_array(), *owners = json_array(), *makes = json_array(), *modules = json_array(),
           *inputs = json_array(), *left = json_array(), *slow = json_array();
    double limit = clock_seconds(scan_limit(sweep)), budget = clock_seconds(scan_budget(sweep, scan));
    size_t i;
    const json_t *entry, *input;
    for (i = 0; i < unit->n; i++)
        if (scan_is_next(&unit->calls[i])) {
            json_array_append_new(calls, json_string(unit->calls[i].text));
            json_array_append_new(owners, json_integer((json_int_t)unit->calls[i].owner));
        }
    json_array_foreach (unit->entries, i, entry) {
        json_array_append_new(makes, json_string(document_text(entry, "make")));
        json_array_append_new(left, json_real(budget - clock_seconds(unit->spent[i])));
        json_array_append_new(slow, json_integer((json_int_t)unit_count(unit, i, CALL_TIME) +
                                                 unit_count(unit, i, CALL_MEMORY)));
        if (has_next(unit, i))
            json_array_append(modules, json_object_get(entry, "module"));
    }
    json_array_foreach (json_object_get(sweep->catalogue, "inputs"), i, input)
        json_array_append(inputs, json_array_get(input, 0));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:f, s:f, s:i, s:i, s:b, s:b}", "calls", calls,
                     "owners", owners, "makes", makes, "modules", modules, "inputs", inputs, "left", left,
                     "slow", slow, "window", unit->suspect ? 1 : WINDOW, "limit", limit, "end",
                     clock_seconds(sweep_end(sweep)), "slow_most", (int)SCAN_SLOW_MOST, "out_of_time",
                     (int)CALL_TIME, "signals", sweep->signals, "allow_gil", sweep->settings.allow_gil);
}

static int plan_of(const struct sweep *sweep, const struct scan *scan, size_t calls, struct plan *plan)
{
    int error = sweep_child_plan(sweep, calls_source, plan);
    size_t i;
    const json_t *input;
    json_array_foreach (json_object_get(sweep->catalogue, "inputs"), i, input)
        error = error ? error
                      : plan_add_input(plan, json_string_value(json_array_get(input, 0)),
                                       json_string_value(json_array_get(input, 1)));
    error = error ? error : plan_add_text(&plan->steps, &plan->nsteps, "case = SWEEP.begin(iteration_index)");
    error =
        error ? error : plan_add_text(&plan->steps, &plan->nsteps, "SWEEP.call(iteration_index, globals())");
    plan->detect = DETECT;
    plan->iterations = calls + 1;
    plan->time = CHILD_TIME;
    plan->stop_on_first = true;
    if (scan->is_paged) /* a read of a freed block is seen only between inaccessible pages, which are slow */
        plan->focus = strdup("*");
    return error;
}

static size_t count_next(const struct unit *unit)
{
    size_t n = 0;
    for (size_t i = 0; i < unit->n; i++)
        n += scan_is_next(&unit->calls[i]);
    return n;
}

static int run_child(struct sweep *sweep, const struct scan *scan, struct unit *unit, size_t n,
                     bool *ret_go_on)
{
    struct plan plan;
    struct outcome outcome = {0};
    json_auto_t *task = task_of(sweep, scan, unit);
    int error = plan_of(sweep, scan, n, &plan);
    if (!error)
        error = sweep_child_run(sweep, &plan, task, &outcome);
    *ret_go_on = !error && scan_take(sweep, scan, unit, WINDOW, &outcome);
    outcome_clear(&outcome);
    plan_clear(&plan);
    return error;
}

/* Which calls the next children make: those that the scan wants and no child made, of callables that can be called.
 * */
static void choose_calls(const struct scan *scan, struct unit *unit)
{
    for (size_t i = 0; i < unit->n; i++) {
        struct unit_call *call = &unit->calls[i];
        const json_t *row = json_array_get(unit->rows, call->owner);
        call->is_due =
            call->state <= CALL_BEGUN && scan->wants(call) && !json_is_string(json_object_get(row, "why"));
    }
}

/* The calls of a window were made again. If none failed, the call that found the damage counts as one that did: it is
 * run by itself. Always true: the other calls follow. */
static bool end_narrow(const struct scan *scan, struct unit *unit)
{
    bool has_failed = false;
    for (size_t i = 0; i < unit->n; i++)
        has_failed |= unit->calls[i].is_due &&
                      (unit->calls[i].state == CALL_CRASHED || unit->calls[i].state == CALL_SHOWN);
    if (!has_failed)
        unit->suspect->state = unit->suspected;
    unit->suspect = NULL;
    choose_calls(scan, unit);
    return true;
}

/* Makes the calls that have no state yet. */
static int scan_calls(struct sweep *sweep, const struct scan *scan, struct unit *unit)
{
    bool go_on = true;
    int error = 0;
    size_t n;
    unit->suspect = NULL;
    choose_calls(scan, unit);
    memset(unit->spent, 0, json_array_size(unit->entries) * sizeof *unit->spent);
    while (!error && go_on && !sweep_is_over(sweep) && (n = count_next(unit)) > 0) {
        bool is_narrow = unit->suspect;
        error = run_child(sweep, scan, unit, n, &go_on);
        if (is_narrow)
            go_on = end_narrow(scan, unit);
    }
    if (count_next(unit) > 0 && sweep_is_over(sweep))
        unit->complete = false;
    return error;
}

static bool is_first(const struct unit_call *call)
{
    return call->is_first && !call->is_sequence;
}

static bool is_form(const struct unit_call *call)
{
    return !call->is_sequence;
}

static bool is_sequence(const struct unit_call *call)
{
    return call->is_sequence;
}

static const struct scan scan_first = {.wants = is_first, .quarters = FIRST_QUARTERS, .behind = CALL_NEW},
                         scan_forms = {.wants = is_form, .quarters = FORMS_QUARTERS, .behind = CALL_SLOW},
                         scan_sequences = {.wants = is_sequence,
                                           .is_paged = true,
                                           .quarters = FORMS_QUARTERS,
                                           .behind = CALL_SLOW};

int unit_scan_first(struct sweep *sweep, struct unit *unit)
{
    return scan_calls(sweep, &scan_first, unit);
}

int unit_scan_forms(struct sweep *sweep, struct unit *unit)
{
    int error = scan_calls(sweep, &scan_forms, unit);
    if (!error && unit->complete)
        unit->passes |= PASS_BIT(PASS_FIRST);
    return error || !unit->complete ? error : unit_try_failures(sweep, unit);
}

int unit_scan_sequences(struct sweep *sweep, struct unit *unit)
{
    int error = json_array_size(unit->texts) > 0 ? 0 : unit_add_sequences(sweep, unit);
    error = error ? error : scan_calls(sweep, &scan_sequences, unit);
    return error || !unit->complete ? error : unit_try_failures(sweep, unit);
}

int unit_scan(struct sweep *sweep, struct unit *unit)
{
    static const struct scan calls = {.wants = is_form, .quarters = ROUND_QUARTERS, .behind = CALL_SLOW},
                             sequences = {.wants = is_sequence,
                                          .is_paged = true,
                                          .quarters = ROUND_QUARTERS,
                                          .behind = CALL_SLOW};
    int error = scan_calls(sweep, &calls, unit);
    if (!error && !sweep_is_over(sweep))
        error = unit_add_sequences(sweep, unit);
    return error || sweep_is_over(sweep) ? error : scan_calls(sweep, &sequences, unit);
}
