#include "driver/sweep/sweep_unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/list.h"
#include "driver/report/document.h"

/* The key of the row for the calls in a state; NULL: not in the row. */
static const char *const state_keys[CALL_STATES] = {
    [CALL_NEW] = "not_made",  [CALL_BEGUN] = "not_made",   [CALL_RETURNED] = "returned",
    [CALL_RAISED] = "raised", [CALL_CHANGED] = "returned", [CALL_CRASHED] = "crashed",
    [CALL_SHOWN] = "shown",   [CALL_TIME] = "out_of_time", [CALL_MEMORY] = "out_of_memory",
    [CALL_LEFT] = "left_out", [CALL_SLOW] = "left_slow"};

/* Calls of a callable in the first pass. */
#define FIRST_CALLS 8u

/* Is it one of FIRST_CALLS that lie evenly among n calls? So each number of arguments has one, about. */
static bool is_first(size_t i, size_t n)
{
    return n <= FIRST_CALLS || i == 0 || i * FIRST_CALLS / n != (i - 1) * FIRST_CALLS / n;
}

static int add_calls(struct unit *unit, const json_t *entry, size_t owner)
{
    size_t i;
    const json_t *text, *calls = json_object_get(entry, "calls");
    json_array_foreach (calls, i, text) {
        struct unit_call *call = LIST_ADD(unit->calls, unit->n);
        if (!call)
            return -ENOMEM;
        *call = (struct unit_call){.text = json_string_value(text),
                                   .owner = owner,
                                   .is_first = is_first(i, json_array_size(calls)),
                                   .is_due = true,
                                   .written = -1};
    }
    return 0;
}

int unit_begin(struct unit *unit, const json_t *entries)
{
    size_t i;
    const json_t *entry;
    int error = 0;
    *unit = (struct unit){.entries = entries,
                          .rows = json_array(),
                          .texts = json_array(),
                          .in_place = json_object(),
                          .findings = json_array(),
                          .verifications = json_array(),
                          .environment = json_object(),
                          .notes = json_array(),
                          .suspects = json_array(),
                          .signals = json_array(),
                          .spent = calloc(json_array_size(entries) + 1, sizeof *unit->spent),
                          .used = calloc(json_array_size(entries) + 1, sizeof *unit->used)};
    if (!unit->spent || !unit->used)
        return -ENOMEM;
    json_array_foreach (entries, i, entry) {
        json_array_append_new(unit->rows, json_pack("{s:s, s:O?}", "name", document_text(entry, "name"),
                                                    "why", json_object_get(entry, "why")));
        error = error ? error : add_calls(unit, entry, i);
    }
    return error;
}

void unit_clear(struct unit *unit)
{
    free(unit->calls);
    free(unit->spent);
    free(unit->used);
    json_decref(unit->rows);
    json_decref(unit->texts);
    json_decref(unit->in_place);
    json_decref(unit->findings);
    json_decref(unit->verifications);
    json_decref(unit->environment);
    json_decref(unit->notes);
    json_decref(unit->suspects);
    json_decref(unit->signals);
}

unsigned unit_count(const struct unit *unit, size_t owner, enum call_state state)
{
    unsigned n = 0;
    for (size_t i = 0; i < unit->n; i++)
        n += unit->calls[i].owner == owner && unit->calls[i].state == state;
    return n;
}

bool unit_has_failed(const struct unit *unit, size_t owner)
{
    for (size_t i = 0; i < unit->n; i++)
        if (unit->calls[i].owner == owner && unit->calls[i].state >= CALL_CRASHED &&
            unit->calls[i].state != CALL_SLOW)
            return true;
    return false;
}

static void count_states(const struct unit *unit, size_t owner, json_t *row)
{
    for (int state = 0; state < CALL_STATES; state++) {
        long long n = unit_count(unit, owner, (enum call_state)state);
        if (n > 0)
            json_object_set_new(row, state_keys[state],
                                json_integer(n + document_number(row, state_keys[state])));
    }
}

/* A sequence makes its object once. */
static char *sequence_as(const struct unit_call *call, const char *object)
{
    char *text;
    return asprintf(&text, "(" UNIT_OBJECT " := %s, %s", object, call->text + 1) < 0 ? NULL : text;
}

char *unit_call_as(const struct unit_call *call, const char *object)
{
    static const char prefix[] = UNIT_OBJECT ".";
    char *text;
    if (object && call->is_sequence)
        return sequence_as(call, object);
    if (!object || strncmp(call->text, prefix, sizeof prefix - 1) != 0)
        return strdup(call->text);
    return asprintf(&text, "%s%s", object, call->text + strlen(UNIT_OBJECT)) < 0 ? NULL : text;
}

char *unit_call_text(const struct unit *unit, const struct unit_call *call)
{
    const char *make = document_text(json_array_get(unit->entries, call->owner), "make");
    return unit_call_as(call, *make ? make : NULL);
}

/* Names the calls that did not come back. */
static void list_failures(const struct unit *unit, size_t owner, json_t *row)
{
    json_t *list = json_array();
    for (size_t i = 0; i < unit->n; i++) {
        const struct unit_call *call = &unit->calls[i];
        cleanup_free char *text = NULL;
        if (call->owner != owner || call->state < CALL_CRASHED || call->state > CALL_MEMORY)
            continue;
        text = unit_call_text(unit, call);
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
        json_array_append_new(list, json_pack("{s:s, s:s}", "call", text, "end", state_keys[call->state]));
    }
    if (json_array_size(list) > 0)
        json_object_set(row, "failed", list);
    json_decref(list);
}

/* The rows with what the states of the calls add. A new reference. */
static json_t *list_rows(const struct unit *unit)
{
    json_t *rows = json_deep_copy(unit->rows), *row;
    size_t i;
    json_array_foreach (rows, i, row) {
        count_states(unit, i, row);
        list_failures(unit, i, row);
    }
    return rows;
}

json_t *unit_document(struct unit *unit)
{
    return json_pack("{s:o, s:O, s:O, s:O, s:O, s:i, s:I, s:I, s:I, s:I}", "callables", list_rows(unit),
                     "findings", unit->findings, "verifications", unit->verifications, "environment",
                     unit->environment, "notes", unit->notes, "children", (int)unit->children, "serial_calls",
                     (json_int_t)unit->serial_calls, "calls", (json_int_t)unit->thread_calls, "sampled",
                     (json_int_t)unit->sampled, "overlapped", (json_int_t)unit->overlapped);
}
