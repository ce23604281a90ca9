#include "driver/merge/merge.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "driver/report/document.h"

/* Keys that count, which add up; and lists, which are joined. */
static const char *const counts[] = {"calls", "serial_calls", "tested_calls", "seconds"};
static const char *const lists[] = {"children", "no_turn", "pairs", "compared", "known", "notes"};
/* Numbers of one run that say nothing of several. */
static const char *const single[] = {"rate",     "rate_below", "overlap",      "checker",       "traced",
                                     "outcomes", "memcheck",   "suppressions", "growth_looked", "test"};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static json_t *find_finding(json_t *findings, const json_t *wanted)
{
    const char *signature = document_text(wanted, "signature"), *key = *signature ? "signature" : "id";
    size_t i;
    json_t *finding;
    json_array_foreach (findings, i, finding)
        if (strcmp(document_text(finding, key), document_text(wanted, key)) == 0)
            return finding;
    return NULL;
}

static void add_number(json_t *to, const json_t *from, const char *key)
{
    const json_t *a = json_object_get(to, key), *b = json_object_get(from, key);
    if (json_is_integer(a) && json_is_integer(b))
        json_object_set_new(to, key, json_integer(json_integer_value(a) + json_integer_value(b)));
    else if (json_is_number(a) && json_is_number(b))
        json_object_set_new(to, key, json_real(json_number_value(a) + json_number_value(b)));
    else if (!a)
        json_object_set(to, key, (json_t *)b);
}

/* Adds a statement that shows the same finding. */
static void add_statement(json_t *finding, const json_t *statement)
{
    json_t *others = json_object_get(finding, "also_in");
    if (!json_is_string(statement) || json_equal(statement, json_object_get(finding, "statement")) ||
        document_has(others, statement))
        return;
    if (!others)
        json_object_set_new(finding, "also_in", others = json_array());
    json_array_append(others, (json_t *)statement);
}

static void add_statements(json_t *to, const json_t *from)
{
    size_t i;
    const json_t *statement;
    add_statement(to, json_object_get(from, "statement"));
    json_array_foreach (json_object_get(from, "also_in"), i, statement)
        add_statement(to, statement);
}

unsigned merge_add_findings(const json_t *report, json_t *findings, json_t *verifications)
{
    json_int_t offset = (json_int_t)json_array_size(verifications);
    unsigned added = 0;
    size_t i;
    json_t *finding;
    json_array_foreach (json_object_get(report, "findings"), i, finding) {
        const json_t *trials = json_object_get(finding, "trials");
        json_t *same = find_finding(findings, finding);
        if (same) {
            add_number(same, finding, "count");
            add_number(json_object_get(same, "runs"), json_object_get(finding, "runs"), "hit");
            add_number(json_object_get(same, "runs"), json_object_get(finding, "runs"), "of");
            add_statements(same, finding);
            continue;
        }
        json_t *copy = json_deep_copy(finding);
        if (json_is_integer(trials))
            json_object_set_new(copy, "trials", json_integer(offset + json_integer_value(trials)));
        json_array_append_new(findings, copy);
        added++;
    }
    json_array_extend(verifications, json_object_get(report, "verifications"));
    return added;
}

static json_t *list_in(json_t *all, const char *key)
{
    if (!json_is_array(json_object_get(all, key)))
        json_object_set_new(all, key, json_array());
    return json_object_get(all, key);
}

static void join_list(json_t *all, const json_t *report, const char *key, bool once)
{
    json_t *list = list_in(all, key), *one;
    size_t i;
    json_array_foreach (json_object_get(report, key), i, one)
        if (!once || !document_has(list, one))
            json_array_append(list, one);
}

static long long count_calls(const json_t *row)
{
    return document_number(row, "returned") + document_number(row, "raised") +
           document_number(row, "crashed") + document_number(row, "shown");
}

static void add_counts(json_t *to, const json_t *from)
{
    for (size_t i = 0; i < DOCUMENT_ENDS; i++)
        add_number(to, from, document_ends[i]);
}

/* Of a callable that several sweeps have, keeps the row with more calls, and the calls and findings of both. */
static void add_row(json_t *rows, json_t *row)
{
    size_t i, k;
    json_t *other, *id;
    json_array_foreach (rows, i, other)
        if (strcmp(document_text(other, "name"), document_text(row, "name")) == 0) {
            json_t *kept = count_calls(row) > count_calls(other) ? row : other,
                   *lost = kept == row ? other : row;
            add_counts(kept, lost);
            json_array_foreach (json_object_get(lost, "findings"), k, id)
                if (!document_has(json_object_get(kept, "findings"), id))
                    json_array_append(list_in(kept, "findings"), id);
            if (kept == row)
                json_array_set(rows, i, row);
            return;
        }
    json_array_append(rows, row);
}

/* Adds the numbers of callables that had a turn in each pass. */
static void add_passes(json_t *to, const json_t *from)
{
    const char *name;
    json_t *pass, *sums = json_object_get(to, "passes");
    json_object_foreach (json_object_get(from, "passes"), name, pass) {
        if (!sums)
            json_object_set_new(to, "passes", sums = json_object());
        json_t *sum = json_object_get(sums, name);
        if (!sum)
            json_object_set_new(sums, name, sum = json_object());
        add_number(sum, pass, "callables");
        add_number(sum, pass, "reached");
    }
}

static void add_sweep(json_t *all, const json_t *report)
{
    const json_t *from = json_object_get(report, "sweep");
    size_t i;
    json_t *row;
    if (!json_is_object(from))
        return;
    if (!json_is_object(json_object_get(all, "sweep")))
        json_object_set_new(all, "sweep",
                            json_pack("{s:b, s:i, s:b}", "complete", 1, "children", 0, "resumed", 0));
    json_t *to = json_object_get(all, "sweep"), *rows = list_in(to, "callables");
    add_number(to, from, "children");
    add_passes(to, from);
    if (!document_is_true(from, "complete"))
        json_object_set_new(to, "complete", json_false());
    if (document_is_true(from, "resumed"))
        json_object_set_new(to, "resumed", json_true());
    join_list(to, from, "not_imported", true);
    json_array_foreach (json_object_get(from, "callables"), i, row)
        add_row(rows, row);
    join_list(to, from, "others", false);
    if (*document_text(from, "shard"))
        json_array_append(list_in(to, "shards"), json_object_get(from, "shard"));
}

static void add_looks(json_t *all, const json_t *report)
{
    const char *detector;
    json_t *looks;
    if (!json_object_get(all, "looks"))
        json_object_set_new(all, "looks", json_object());
    json_t *sum = json_object_get(all, "looks");
    json_object_foreach (json_object_get(report, "looks"), detector, looks) {
        if (!json_object_get(sum, detector))
            json_object_set_new(sum, detector, json_object());
        add_number(json_object_get(sum, detector), looks, "children");
        add_number(json_object_get(sum, detector), looks, "threads");
    }
}

static void add_environment(json_t *all, const json_t *report)
{
    const char *key;
    json_t *value, *environment = json_object_get(all, "environment");
    json_object_foreach (json_object_get(report, "environment"), key, value) {
        const json_t *other = json_object_get(environment, key);
        if (other && document_environment_shows(key) && strcmp(key, "gil") != 0 && !json_equal(other, value))
            json_array_append_new(list_in(all, "notes"),
                                  json_sprintf("the reports are of two environments: %s %s and %s", key,
                                               json_string_value(other), json_string_value(value)));
    }
    json_object_update_missing(environment, json_object_get(report, "environment"));
}

static void add_name(json_t *all, const json_t *report)
{
    cleanup_free char *name = NULL;
    const char *before = document_text(all, "name"), *more = document_text(report, "name");
    if (strstr(before, more))
        return;
    if (*before)
        text_join(&name, "", before);
    text_join(&name, ", ", more);
    json_object_set_new(all, "name", json_string(name ? name : ""));
}

static size_t count_rows(const json_t *report)
{
    return json_array_size(json_object_get(json_object_get(report, "sweep"), "callables"));
}

/* With few callables, a shard may have none, or none of which a call returned: the others have them. */
static bool is_empty_shard(const json_t *report)
{
    const json_t *sweep = json_object_get(report, "sweep");
    return *document_text(sweep, "shard") &&
           (count_rows(report) == 0 || document_is_true(sweep, "none_returned"));
}

static bool has_returned(const json_t *sweep)
{
    size_t i;
    const json_t *row;
    json_array_foreach (json_object_get(sweep, "callables"), i, row)
        if (document_number(row, "returned") > 0)
            return true;
    return false;
}

void merge_add(json_t *all, const json_t *report)
{
    if (json_object_size(all) == 0) {
        json_object_update(all, (json_t *)report);
        json_object_set_new(all, "name", json_string(""));
        json_object_del(all, "sweep");
        json_object_del(all, "fuzz"); /* of one corpus */
        for (size_t i = 0; i < COUNT(counts); i++)
            json_object_del(all, counts[i]);
        for (size_t i = 0; i < COUNT(lists); i++)
            json_object_set_new(all, lists[i], json_array());
        for (size_t i = 0; i < COUNT(single); i++)
            json_object_set_new(all, single[i], json_null());
        json_object_set_new(all, "looks", json_object());
        json_object_set_new(all, "environment", json_object());
        json_object_set_new(all, "findings", json_array());
        json_object_set_new(all, "verifications", json_array());
        json_object_set_new(all, "untested", json_array());
    }
    for (size_t i = 0; i < COUNT(counts); i++)
        add_number(all, report, counts[i]);
    for (size_t i = 0; i < COUNT(lists); i++)
        join_list(all, report, lists[i], strcmp(lists[i], "children") != 0);
    if (*document_text(report, "reason") && !is_empty_shard(report))
        json_array_append(list_in(all, "untested"), json_object_get(report, "reason"));
    if (strcmp(document_text(report, "date"), document_text(all, "date")) > 0)
        json_object_set(all, "date", json_object_get(report, "date"));
    add_name(all, report);
    add_environment(all, report);
    add_looks(all, report);
    add_sweep(all, report);
    merge_add_findings(report, json_object_get(all, "findings"), json_object_get(all, "verifications"));
}

/* Adds each shard that no report has to what was not tested. */
static void add_missing(json_t *all, json_t *sweep)
{
    unsigned k, n, most = 0;
    size_t i;
    const json_t *shard;
    const json_t *shards = json_object_get(sweep, "shards");
    json_array_foreach (shards, i, shard)
        if (sscanf(json_string_value(shard), "%u/%u", &k, &n) == 2 && n > most)
            most = n;
    for (k = 1; k <= most; k++) {
        json_auto_t *name = json_sprintf("%u/%u", k, most);
        if (document_has(shards, name))
            continue;
        json_object_set_new(sweep, "complete", json_false());
        json_array_append_new(
            list_in(all, "untested"),
            json_sprintf("shard %u/%u is missing: its callables are not in the table", k, most));
    }
}

static bool has_row(const json_t *rows, const char *name)
{
    size_t i;
    const json_t *row;
    json_array_foreach (rows, i, row)
        if (strcmp(document_text(row, "name"), name) == 0)
            return true;
    return false;
}

/* Adds to the rows what other shards know of their callables. Those of a missing shard stay apart. */
static void add_others(json_t *sweep)
{
    size_t i;
    json_t *other, *rows = json_object_get(sweep, "callables"), *rest = json_array();
    json_array_foreach (json_object_get(sweep, "others"), i, other)
        if (has_row(rows, document_text(other, "name")))
            add_row(rows, other);
        else
            json_array_append(rest, other);
    if (json_array_size(rest) > 0)
        json_object_set(sweep, "others", rest);
    else
        json_object_del(sweep, "others");
    json_decref(rest);
}

void merge_finish(json_t *all)
{
    size_t i;
    const json_t *reason;
    json_t *sweep = json_object_get(all, "sweep");
    if (sweep) {
        add_missing(all, sweep);
        add_others(sweep);
    }
    if (sweep && count_rows(all) == 0)
        json_array_append_new(list_in(all, "untested"), json_string("the shards have no callable"));
    else if (sweep && json_array_size(json_object_get(all, "findings")) == 0 && !has_returned(sweep))
        json_array_append_new(list_in(all, "untested"), json_string("no call of the sweeps returned"));
    json_array_foreach (json_object_get(all, "untested"), i, reason)
        json_array_append_new(list_in(all, "notes"),
                              json_sprintf("not tested: %s", json_string_value(reason)));
    json_object_set(all, "verification",
                    json_array_get(json_object_get(all, "verifications"), 0) ?: json_null());
    if (json_array_size(json_object_get(all, "known")) == 0)
        json_object_set_new(all, "known", json_null());
}
