/* The calls of a unit on one thread. */
#include "driver/sweep/sweep_unit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/embed.h"
#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_child.h"

EMBED(calls_source, FTSTRESS_CALLS);

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
#define DETECT (BIT(CRASH) | BIT(HANG) | BIT(LOG) | BIT(TRIPWIRE) | BIT(INVARIANT) | BIT(GUARD))
/* Processor time of a call, unless --timeout gives another limit. */
#define CALL_LIMIT (2 * CLOCK_SECOND)
/* Failures after which the other calls of a callable are left out: of calls that fail at once, and of slow ones. */
#define FAILURES_MOST 2u
#define SLOW_MOST 2u
/* The time of a child: its calls have limits of their own. */
#define CHILD_TIME (3600 * CLOCK_SECOND)
/* The last bytes of the file of progress: the number of the call that began last, plus one. */
#define AT_BYTES 8

uint32_t unit_scan_detectors(void)
{
    return DETECT;
}

/* Is it a call of the next child? */
static bool is_next(const struct unit_call *call)
{
    return call->state == CALL_NEW || call->state == CALL_BEGUN;
}

/* A callable with several failures has no further calls. */
static void leave_out(struct unit *unit, size_t owner)
{
    unsigned slow = unit_count(unit, owner, CALL_TIME) + unit_count(unit, owner, CALL_MEMORY);
    unsigned failed = unit_count(unit, owner, CALL_CRASHED) + unit_count(unit, owner, CALL_SHOWN);
    for (size_t i = 0; (slow >= SLOW_MOST || failed >= FAILURES_MOST) && i < unit->n; i++)
        if (unit->calls[i].owner == owner && is_next(&unit->calls[i]))
            unit->calls[i].state = CALL_LEFT;
}

static json_t *task_of(const struct sweep *sweep, const struct unit *unit)
{
    uint64_t limit = REQUEST_GAVE(sweep->request, timeout) ? sweep->request->timeout : CALL_LIMIT;
    json_t *calls = json_array(), *owners = json_array(), *makes = json_array(), *modules = json_array(),
           *inputs = json_array();
    size_t i;
    const json_t *entry, *input;
    for (i = 0; i < unit->n; i++)
        if (is_next(&unit->calls[i])) {
            json_array_append_new(calls, json_string(unit->calls[i].text));
            json_array_append_new(owners, json_integer((json_int_t)unit->calls[i].owner));
        }
    json_array_foreach (unit->entries, i, entry) {
        json_array_append_new(makes, json_string(document_text(entry, "make")));
        if (*document_text(entry, "module")) /* a callable that is not called has none */
            json_array_append(modules, json_object_get(entry, "module"));
    }
    json_array_foreach (json_object_get(sweep->catalogue, "inputs"), i, input)
        json_array_append(inputs, json_array_get(input, 0));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:f, s:b}", "calls", calls, "owners", owners, "makes", makes,
                     "modules", modules, "inputs", inputs, "limit", clock_seconds(limit), "signals",
                     sweep->signals);
}

static int plan_of(const struct sweep *sweep, size_t calls, bool has_sequences, struct plan *plan)
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
    if (has_sequences) /* a read of a freed block is seen only between inaccessible pages, which are slow */
        plan->focus = strdup("*");
    return error;
}

/* How the child ended at the call that began last. */
static enum call_state end_of(const struct outcome *outcome)
{
    int signal = WIFSIGNALED(outcome->wait_status) ? WTERMSIG(outcome->wait_status) : 0;
    if (outcome->over_memory || outcome_killed(outcome))
        return CALL_MEMORY;
    if (outcome->hung || outcome->stopped || outcome->overran || signal == SIGPROF || signal == SIGALRM)
        return CALL_TIME;
    return outcome->finished ? CALL_SHOWN : CALL_CRASHED;
}

/* Takes over the states that the child wrote. */
static void take_states(struct unit *unit, const char *bytes, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < unit->n && at < n; i++)
        if (is_next(&unit->calls[i])) {
            unsigned char state = (unsigned char)bytes[at++];
            if (state > CALL_BEGUN && state <= CALL_CHANGED)
                unit->calls[i].state = (enum call_state)state;
            if (unit->calls[i].is_sequence && state == CALL_RETURNED)
                unit->calls[i].state = CALL_CHANGED;
        }
}

static struct unit_call *find_call(struct unit *unit, size_t number)
{
    for (size_t i = 0; i < unit->n; i++)
        if (is_next(&unit->calls[i]) && number-- == 0)
            return &unit->calls[i];
    return NULL;
}

/* Adds the first exceptions to the rows of callables of which no call returned before. */
static void take_exceptions(const struct sweep *sweep, struct unit *unit)
{
    char *text = NULL, *line, *rest;
    size_t size;
    if (sweep_child_read(sweep, "raised", &text, &size) < 0)
        return;
    for (rest = text; (line = strsep(&rest, "\n")) && *line;) {
        char *tab = strchr(line, '\t');
        struct unit_call *call = tab ? find_call(unit, strtoul(line, NULL, 10)) : NULL;
        json_t *row = call ? json_array_get(unit->rows, call->owner) : NULL;
        if (row && !json_object_get(row, "raises")) /* of bytes that are no UTF-8 there is no text */
            json_object_set_new(row, "raises", json_string(tab + 1));
    }
    free(text);
}

/* Takes over the kinds of results and exceptions. */
static void take_signals(const struct sweep *sweep, struct unit *unit)
{
    char *text = NULL, *line, *rest;
    size_t size;
    if (!sweep->signals || sweep_child_read(sweep, "signals", &text, &size) < 0)
        return;
    for (rest = text; (line = strsep(&rest, "\n")) && *line;) {
        char *tab = strchr(line, '\t');
        const struct unit_call *call = tab ? find_call(unit, strtoul(line, NULL, 10)) : NULL;
        json_t *signal =
            call ? json_pack("[I, s]", (json_int_t)(call - unit->calls), tab + 1) : NULL; /* NULL: no UTF-8 */
        if (signal)
            json_array_append_new(unit->signals, signal);
    }
    free(text);
}

static void note_cannot(struct unit *unit, const char *why)
{
    size_t i;
    json_t *row;
    json_array_foreach (unit->rows, i, row)
        if (!json_is_string(json_object_get(row, "why")))
            json_object_set_new(row, "why", json_string(why));
}

/* Takes over what one child did. Returns true where another one goes on behind a failure. */
static bool take_child(struct sweep *sweep, struct unit *unit, const struct outcome *outcome)
{
    char *bytes = NULL;
    size_t size = 0, at = 0;
    unit->children++;
    unit->serial_calls += outcome->totals.serial;
    if (outcome->interrupted) {
        unit->complete = false;
        return false;
    }
    if (sweep_child_read(sweep, "progress", &bytes, &size) == 0 && size > AT_BYTES) {
        take_exceptions(sweep, unit);
        take_signals(sweep, unit);
        unit_read_written(sweep, unit, find_call);
        struct unit_call *last = NULL;
        size_t n = size - AT_BYTES;
        memcpy(&at, bytes + n, sizeof at);
        last = at > 0 && at <= n ? find_call(unit, at - 1) : NULL;
        take_states(unit, bytes, n);
        if (last) {
            last->state = end_of(outcome);
            last->written = unit_written_place(last, outcome);
            leave_out(unit, last->owner);
            unit_leave_sequences(unit, last);
        }
        free(bytes);
        return last != NULL;
    }
    free(bytes);
    note_cannot(unit, outcome->cannot ? outcome->cannot : "its module cannot be imported in a new process");
    return false;
}

static size_t count_next(const struct unit *unit)
{
    size_t n = 0;
    for (size_t i = 0; i < unit->n; i++)
        n += is_next(&unit->calls[i]);
    return n;
}

/* Makes the calls that have no state yet. *ret_go_on: they have one now. */
static int scan(struct sweep *sweep, struct unit *unit, bool *ret_go_on)
{
    bool go_on = true;
    int error = 0;
    size_t n;
    *ret_go_on = false;
    while (!error && go_on && (n = count_next(unit)) > 0) {
        struct plan plan;
        struct outcome outcome = {0};
        if (sweep_is_over(sweep)) {
            unit->complete = false;
            return 0;
        }
        json_auto_t *task = task_of(sweep, unit);
        error = plan_of(sweep, n, json_array_size(unit->texts) > 0, &plan);
        if (!error)
            error = sweep_child_run(sweep, &plan, task, &outcome);
        if (!error)
            go_on = take_child(sweep, unit, &outcome);
        outcome_clear(&outcome);
        plan_clear(&plan);
    }
    *ret_go_on = count_next(unit) == 0;
    return error;
}

int unit_scan(struct sweep *sweep, struct unit *unit)
{
    bool go_on;
    int error = scan(sweep, unit, &go_on);
    if (!error && go_on)
        error = unit_add_sequences(sweep, unit);
    if (!error && go_on)
        error = scan(sweep, unit, &go_on);
    atomic_fetch_add(&sweep->board->calls, (unsigned)unit->serial_calls);
    return error;
}
