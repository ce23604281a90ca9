/* The sums of all rounds. */
#include "driver/fuzz/fuzz.h"

#include <string.h>

#include "driver/report/document.h"
#include "driver/merge/merge.h"

/* Notes of all rounds. */
#define NOTES_MOST 60

static const char *const counters[] = {"children", "serial_calls", "calls", "sampled", "overlapped"};

static bool has(const json_t *list, const json_t *value)
{
    size_t i;
    const json_t *item;
    json_array_foreach (list, i, item)
        if (json_equal(item, value))
            return true;
    return false;
}

static void add_items(json_t *to, const json_t *from)
{
    size_t i;
    json_t *item;
    json_array_foreach (from, i, item)
        if (!has(to, item))
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

void fuzz_add_total(struct fuzz *fuzz, const json_t *result)
{
    size_t i;
    json_t *row;
    json_array_foreach (json_object_get(result, "callables"), i, row) {
        const char *name = document_text(row, "name");
        json_t *sum = json_object_get(fuzz->rows, name);
        if (sum)
            add_row(sum, row);
        else
            json_object_set(fuzz->rows, name, row);
    }
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

void fuzz_end_total(struct fuzz *fuzz)
{
    json_t *rows = json_array(), *row;
    const char *name;
    size_t i;
    const json_t *entry;
    json_array_foreach (json_object_get(fuzz->sweep->catalogue, "callables"), i, entry) {
        const char *why = document_text(entry, "why");
        if (json_object_get(fuzz->rows, document_text(entry, "name")))
            continue;
        if (*why || has(fuzz->entries, entry))
            json_array_append_new(rows, json_pack("{s:s, s:s}", "name", document_text(entry, "name"), "why",
                                                  *why ? why : "the time was over before its turn"));
    }
    json_object_foreach (fuzz->rows, name, row)
        json_array_append(rows, row);
    json_object_set_new(fuzz->total, "callables", rows);
}
