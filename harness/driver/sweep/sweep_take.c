/* What a child of a scan did with its calls. */
#include "driver/sweep/sweep_scan.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/wire/violation.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_child.h"

/* Failures after which the other calls of a callable are left out. */
#define FAILURES_MOST 2u
/* Behind the states in the file of progress: the number of the call that began last, plus one; and for each callable
 * the ms of processor time. */
#define AT_BYTES 8
#define SPENT_BYTES 4
#define MILLISECOND (CLOCK_SECOND / 1000)

static void leave_due(struct unit *unit, size_t owner)
{
    for (size_t i = 0; i < unit->n; i++)
        if (unit->calls[i].owner == owner)
            unit->calls[i].is_due = false;
}

static void leave_open(struct unit *unit, size_t owner, enum call_state state)
{
    for (size_t i = 0; i < unit->n; i++)
        if (unit->calls[i].owner == owner && unit->calls[i].state <= CALL_BEGUN &&
            (unit->calls[i].is_due || state == CALL_LEFT))
            unit->calls[i].state = state;
    leave_due(unit, owner);
}

/* A callable with several failures has no further calls, and one with slow calls none in this pass. */
static void leave_out(const struct sweep *sweep, const struct scan *scan, struct unit *unit, size_t owner)
{
    unsigned slow = unit_count(unit, owner, CALL_TIME) + unit_count(unit, owner, CALL_MEMORY);
    unsigned failed = unit_count(unit, owner, CALL_CRASHED) + unit_count(unit, owner, CALL_SHOWN);
    if (slow >= SCAN_SLOW_MOST || failed >= FAILURES_MOST)
        leave_open(unit, owner, CALL_LEFT);
    else if (unit->spent[owner] >= scan_budget(sweep, scan))
        leave_open(unit, owner, scan->behind);
}

/* How the child ended at the call that began last. */
static enum call_state end_of(const struct outcome *outcome)
{
    int signal = WIFSIGNALED(outcome->wait_status) ? WTERMSIG(outcome->wait_status) : 0;
    if (outcome->over_memory || outcome_killed(outcome))
        return CALL_MEMORY;
    if (outcome->hung || outcome->stopped || outcome->overran || signal == SIGVTALRM || signal == SIGALRM)
        return CALL_TIME;
    return outcome->finished ? CALL_SHOWN : CALL_CRASHED;
}

/* Takes over the states that the child wrote. */
static void take_states(struct unit *unit, const char *bytes, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < unit->n && at < n; i++)
        if (scan_is_next(&unit->calls[i])) {
            unsigned char state = (unsigned char)bytes[at++];
            if ((state > CALL_BEGUN && state <= CALL_CHANGED) || state == CALL_TIME)
                unit->calls[i].state = (enum call_state)state;
            if (unit->calls[i].is_sequence && state == CALL_RETURNED)
                unit->calls[i].state = CALL_CHANGED;
        }
}

/* The calls that the child began. */
static unsigned count_begun(const char *bytes, size_t n)
{
    unsigned begun = 0;
    for (size_t i = 0; i < n; i++)
        begun += bytes[i] != CALL_NEW;
    return begun;
}

static struct unit_call *find_call(struct unit *unit, size_t number)
{
    for (size_t i = 0; i < unit->n; i++)
        if (scan_is_next(&unit->calls[i]) && number-- == 0)
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

/* Gives rows a reason why they have no calls: those of the module, or all. Returns the number of rows. */
static unsigned set_reason(struct unit *unit, const char *module, const char *why)
{
    size_t i;
    json_t *row;
    unsigned n = 0;
    json_array_foreach (unit->rows, i, row) {
        const char *own = document_text(json_array_get(unit->entries, i), "module");
        if (json_is_string(json_object_get(row, "why")) || (module && strcmp(own, module) != 0))
            continue;
        json_object_set_new(row, "why", json_string(why));
        leave_due(unit, i);
        n++;
    }
    return n;
}

/* The child ended before its first call. An import that fails costs the callables of its module only. Returns true
 * where another child makes the calls of the others. */
static bool take_cannot(const struct sweep *sweep, struct unit *unit, const struct outcome *outcome)
{
    cleanup_free char *module = NULL;
    size_t size;
    char *why = NULL;
    if (sweep_child_read(sweep, "importing", &module, &size) == 0 && *module) {
        if ((why = strchr(module, '\t')))
            *why++ = '\0';
        if (set_reason(unit, module, why ? why : "its import ended a new process") > 0)
            return true;
    }
    set_reason(unit, NULL,
               outcome->cannot ? outcome->cannot : "its module cannot be imported in a new process");
    return false;
}

static void take_spent(struct unit *unit, const char *bytes, size_t n)
{
    uint32_t spent;
    for (size_t i = 0; i < json_array_size(unit->entries) && (i + 1) * sizeof spent <= n; i++) {
        memcpy(&spent, bytes + i * sizeof spent, sizeof spent);
        unit->spent[i] += spent * MILLISECOND;
        unit->used[i] += spent * MILLISECOND;
    }
}

/* Did the guard find damage that calls before may have done? */
static bool has_old_damage(const struct outcome *outcome)
{
    bool has = false;
    for (size_t i = 0; i < outcome->nrecords && !has; i++) {
        struct violation violation;
        if (outcome->records[i]->type != RECORD_HEAP)
            continue;
        violation_from_record(outcome->records[i], &violation);
        has = violation.found != FOUND_TRAP && violation.kind <= VIOLATION_STRAY;
    }
    return has;
}

/* The next child makes the last n calls up to the suspect again, and no other one. A call out of time, or of
 * memory, is not made again: its end is no damage. */
static void begin_narrow(struct unit *unit, struct unit_call *suspect, size_t n)
{
    bool is_over = suspect->state == CALL_TIME || suspect->state == CALL_MEMORY;
    unit->suspect = suspect;
    unit->suspected = suspect->state >= CALL_CRASHED ? suspect->state : CALL_SHOWN;
    for (size_t i = unit->n; i-- > 0;) {
        struct unit_call *call = &unit->calls[i];
        bool is_in = call <= suspect && n > 0 && call->is_due && call->state != CALL_NEW;
        n -= is_in;
        call->is_due = is_in && !(call == suspect && is_over);
        if (call->is_due)
            call->state = CALL_NEW;
    }
}

/* The last one with a state. */
static struct unit_call *find_last(struct unit *unit)
{
    for (size_t i = unit->n; i-- > 0;)
        if (unit->calls[i].is_due && unit->calls[i].state != CALL_NEW)
            return &unit->calls[i];
    return NULL;
}

/* The number of the call at which the child ended, from 1 on; 0: it did not end at one. */
static size_t number_of_last(const char *bytes, size_t n)
{
    size_t at;
    memcpy(&at, bytes + n, sizeof at);
    return at <= n ? at : 0;
}

/* How many calls, the suspect's with them, may have done damage that no check saw: those of a whole window where a
 * check found some, and those behind the last check where the process ended at a call. */
static size_t count_suspects(const struct outcome *outcome, const struct unit_call *last, size_t number,
                             unsigned window)
{
    if (has_old_damage(outcome))
        return last && number < window ? number : window;
    bool has_ended = last && last->state != CALL_SHOWN;
    size_t before = has_ended ? (number - 1) % window : 0;
    return before > 0 ? before + 1 : 0;
}

static void leave_all_out(const struct sweep *sweep, const struct scan *scan, struct unit *unit)
{
    for (size_t owner = 0; owner < json_array_size(unit->entries); owner++)
        leave_out(sweep, scan, unit, owner);
}

/* Takes over the calls of a child. Returns true where another one goes on. */
static bool take_calls(const struct sweep *sweep, const struct scan *scan, struct unit *unit, unsigned window,
                       const struct outcome *outcome, const char *bytes, size_t n)
{
    take_exceptions(sweep, unit);
    take_signals(sweep, unit);
    unit_read_written(sweep, unit, find_call);
    size_t number = number_of_last(bytes, n);
    struct unit_call *last = number > 0 ? find_call(unit, number - 1) : NULL;
    take_states(unit, bytes, n);
    take_spent(unit, bytes + n + AT_BYTES, SPENT_BYTES * json_array_size(unit->entries));
    if (last) {
        last->state = end_of(outcome);
        last->written = unit_written_place(last, outcome);
    }
    struct unit_call *suspect = last ? last : find_last(unit);
    size_t suspects = suspect && !unit->suspect ? count_suspects(outcome, last, number, window) : 0;
    if (suspects > 0) {
        begin_narrow(unit, suspect, suspects);
        return true;
    }
    leave_all_out(sweep, scan, unit);
    if (last)
        unit_leave_sequences(unit, last);
    return last;
}

bool scan_take(struct sweep *sweep, const struct scan *scan, struct unit *unit, unsigned window,
               const struct outcome *outcome)
{
    cleanup_free char *bytes = NULL;
    size_t size = 0, tail = AT_BYTES + SPENT_BYTES * json_array_size(unit->entries);
    unit->children++;
    if (outcome->interrupted) {
        unit->complete = false;
        return false;
    }
    if (sweep_child_read(sweep, "progress", &bytes, &size) < 0 || size <= tail)
        return take_cannot(sweep, unit, outcome);
    unsigned begun = count_begun(bytes, size - tail); /* two statements of the plan make one call */
    unit->serial_calls += begun;
    atomic_fetch_add(&sweep->board->calls, begun);
    return take_calls(sweep, scan, unit, window, outcome, bytes, size - tail);
}
