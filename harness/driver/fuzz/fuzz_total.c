/* The sums of all rounds. */
#include "driver/fuzz/fuzz.h"

#include <string.h>

#include "base/clock.h"
#include "driver/merge/merge.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_state.h"

/* Notes of all rounds. */
#define NOTES_MOST 60
/* Writes of the results so far, without new findings. */
#define SAVE_EACH (10 * CLOCK_SECOND)

static const char *const counters[] = {"children", "serial_calls", "calls", "sampled", "overlapped"};

static void add_items(json_t *to, const json_t *from)
{
    size_t i;
    json_t *item;
    json_array_foreach (from, i, item)
        if (!document_has(to, item))
            json_array_append(to, item);
}

/* Adds the numbers of a row, and extends its lists. */
static void add_row(json_t *sum, json_t *row)
{
    const char *key;
    json_t *value;
    json_object_foreach (row, key, value) {
        json_t *old = json_object_get(sum, key);
        if (json_is_integer(value))
            json_object_set_new(sum, key, json_integer(json_integer_value(old) + json_integer_value(value)));
        else if (json_is_array(value) && old)
            add_items(old, value);
        else if (!old)
            json_object_set(sum, key, value);
    }
}

static void add_notes(json_t *to, const json_t *from)
{
    add_items(to, from);
    bool is_long = json_array_size(to) > NOTES_MOST;
    while (json_array_size(to) > NOTES_MOST)
        json_array_remove(to, json_array_size(to) - 1);
    if (is_long)
        json_array_set_new(to, NOTES_MOST - 1, json_string("further notes of the fuzzer were left out"));
}

static void add_callable(struct fuzz *fuzz, json_t *row)
{
    const char *name = document_text(row, "name");
    json_t *rows = fuzz_is_own(fuzz, name) ? fuzz->rows : fuzz->others, *sum = json_object_get(rows, name);
    if (sum)
        add_row(sum, row);
    else
        json_object_set(rows, name, row);
}

void fuzz_add_total(struct fuzz *fuzz, const json_t *result)
{
    size_t i;
    json_t *row;
    json_array_foreach (json_object_get(result, "callables"), i, row)
        add_callable(fuzz, row);
    for (i = 0; i < sizeof counters / sizeof *counters; i++)
        json_object_set_new(
            fuzz->total, counters[i],
            json_integer(document_number(fuzz->total, counters[i]) + document_number(result, counters[i])));
    json_t *findings = json_object_get(fuzz->total, "findings");
    merge_add_findings(result, findings, json_object_get(fuzz->total, "verifications"));
    add_notes(json_object_get(fuzz->total, "notes"), json_object_get(result, "notes"));
    json_object_update_missing(json_object_get(fuzz->total, "environment"),
                               json_object_get(result, "environment"));
    atomic_store(&fuzz->sweep->board->found, (unsigned)json_array_size(findings));
}

/* The results that a fuzzer left which was killed, in the form of unit_document. A new reference, or NULL. */
static json_t *read_rest(const char *out)
{
    json_auto_t *rest = merge_rest(out);
    const json_t *sweep = json_object_get(rest, "sweep");
    json_t *result = rest ? json_deep_copy(rest) : NULL;
    json_object_set(result, "callables", json_object_get(sweep, "callables"));
    json_object_set(result, "children", json_object_get(sweep, "children"));
    return result;
}

int fuzz_open_total(struct fuzz *fuzz, json_t *environment)
{
    struct sweep *sweep = fuzz->sweep;
    json_t *targets = json_array();
    size_t i;
    const json_t *row;
    for (i = 0; i < fuzz->ntargets; i++)
        json_array_append_new(targets, json_string(fuzz->targets[i]));
    json_auto_t *task = json_pack("{s:o, s:O, s:s, s:i, s:i}", "fuzz", targets, "environment", environment,
                                  "python", sweep->mode->probe.executable, "shard",
                                  (int)sweep->request->shard, "shards", (int)sweep->request->shards);
    int error = sweep_state_open(sweep, task);
    json_auto_t *rest = !error && sweep->resumed ? read_rest(sweep->request->out) : NULL;
    if (!rest)
        return error;
    fuzz_add_total(fuzz, rest);
    json_array_foreach (json_object_get(rest, "callables"), i, row)
        if (json_array_size(json_object_get(row, "findings")) > 0)
            json_object_set_new(fuzz->spent, document_text(row, "name"), json_true());
    return 0;
}

static json_t *list_rows(json_t *by_name)
{
    json_t *rows = json_array(), *row;
    const char *name;
    json_object_foreach (by_name, name, row)
        json_array_append(rows, row);
    return rows;
}

void fuzz_save_total(struct fuzz *fuzz)
{
    size_t n = json_array_size(json_object_get(fuzz->total, "findings"));
    if (n == fuzz->nsaved && clock_now() - fuzz->saved < SAVE_EACH)
        return;
    json_object_set_new(fuzz->total, "callables", list_rows(fuzz->rows));
    /* Without it, merge and the next fuzzer have the kept findings, and no table. */
    (void)sweep_state_write(fuzz->sweep, 0, fuzz->total);
    fuzz->saved = clock_now();
    fuzz->nsaved = n;
}

void fuzz_end_total(struct fuzz *fuzz)
{
    json_t *rows = list_rows(fuzz->rows);
    size_t i;
    const json_t *entry;
    json_array_foreach (json_object_get(fuzz->sweep->catalogue, "callables"), i, entry) {
        const char *why = document_text(entry, "why");
        if (json_object_get(fuzz->rows, document_text(entry, "name")))
            continue;
        if (*why || document_has(fuzz->entries, entry))
            json_array_append_new(rows, json_pack("{s:s, s:s}", "name", document_text(entry, "name"), "why",
                                                  *why ? why : UNIT_NO_TURN));
    }
    json_object_set_new(fuzz->total, "callables", rows);
    json_object_set_new(fuzz->total, "others", list_rows(fuzz->others));
}
