/* A unit between two passes: the states of its calls as JSON. */
#include "driver/sweep/sweep_unit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/list.h"
#include "driver/report/document.h"

/* The state of a call as a letter. */
#define LETTER 'A'

static json_t *list_sequences(const struct unit *unit)
{
    json_t *list = json_array();
    for (size_t i = 0; i < unit->n; i++)
        if (unit->calls[i].is_sequence)
            json_array_append_new(list,
                                  json_pack("[I, s]", (json_int_t)unit->calls[i].owner, unit->calls[i].text));
    return list;
}

json_t *unit_save(const struct unit *unit)
{
    cleanup_free char *states = calloc(unit->n + 1, 1);
    json_t *tried = json_array(), *written = json_array();
    for (size_t i = 0; states && i < unit->n; i++) {
        const struct unit_call *call = &unit->calls[i];
        states[i] = (char)(LETTER + call->state);
        if (call->is_tried)
            json_array_append_new(tried, json_integer((json_int_t)i));
        if (call->written >= 0)
            json_array_append_new(written, json_pack("[I, i]", (json_int_t)i, call->written));
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
    return json_pack("{s:i, s:s, s:o, s:o, s:o, s:O, s:O}", "passes", (int)unit->passes, "states",
                     states ? states : "", "tried", tried, "written", written, "sequences",
                     list_sequences(unit), "in_place", unit->in_place, "rows", unit->rows);
}

static int resume_sequences(struct unit *unit, const json_t *sequences)
{
    size_t i;
    json_t *sequence;
    json_array_foreach (sequences, i, sequence) {
        json_t *text = json_array_get(sequence, 1);
        struct unit_call *call = json_is_string(text) ? LIST_ADD(unit->calls, unit->n) : NULL;
        if (!call)
            return -ENOMEM;
        json_array_append(unit->texts, text);
        *call = (struct unit_call){.text = json_string_value(text),
                                   .owner = (size_t)json_integer_value(json_array_get(sequence, 0)),
                                   .is_sequence = true,
                                   .written = -1};
    }
    return 0;
}

static void resume_calls(struct unit *unit, const json_t *state)
{
    const char *states = document_text(state, "states");
    size_t i;
    const json_t *item;
    for (i = 0; i < unit->n && states[i]; i++)
        if (states[i] >= LETTER && states[i] < LETTER + CALL_STATES)
            unit->calls[i].state = (enum call_state)(states[i] - LETTER);
    json_array_foreach (json_object_get(state, "tried"), i, item)
        if ((size_t)json_integer_value(item) < unit->n)
            unit->calls[json_integer_value(item)].is_tried = true;
    json_array_foreach (json_object_get(state, "written"), i, item) {
        size_t at = (size_t)json_integer_value(json_array_get(item, 0));
        if (at < unit->n)
            unit->calls[at].written = (int)json_integer_value(json_array_get(item, 1));
    }
}

/* Replaces a value of the unit by that of its file. */
static void take(json_t **value, const json_t *from, const char *key)
{
    json_t *kept = json_object_get(from, key);
    if (!kept)
        return;
    json_decref(*value);
    *value = json_incref(kept);
}

int unit_resume(struct unit *unit, const json_t *document)
{
    const json_t *state = json_object_get(document, "state");
    if (!state)
        return 0;
    take(&unit->findings, document, "findings");
    take(&unit->verifications, document, "verifications");
    take(&unit->environment, document, "environment");
    take(&unit->notes, document, "notes");
    take(&unit->in_place, state, "in_place");
    take(&unit->rows, state, "rows");
    unit->passes = (unsigned)document_number(state, "passes");
    unit->children = (unsigned)document_number(document, "children");
    unit->serial_calls = (uint64_t)document_number(document, "serial_calls");
    unit->thread_calls = (uint64_t)document_number(document, "calls");
    unit->sampled = (uint64_t)document_number(document, "sampled");
    unit->overlapped = (uint64_t)document_number(document, "overlapped");
    int error = resume_sequences(unit, json_object_get(state, "sequences"));
    if (!error)
        resume_calls(unit, state);
    return error;
}
