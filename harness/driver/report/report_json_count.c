/* Counts in the document of a report: pairs of statements, Valgrind's memcheck, outcomes, verification. */
#include "driver/report/report_json_inside.h"

/* A look at a statement is one sample of it in flight; it may meet the other statement in several threads. */
static json_t *pair_of(const struct run *run, size_t i, size_t k)
{
    const struct statement *items = run->statements.items;
    uint64_t a = run->pairs.looks[i], b = run->pairs.looks[k];
    uint64_t together = run->pairs.pairs[i][k] + (i == k ? 0 : run->pairs.pairs[k][i]);
    return json_pack("{s:s, s:s, s:I, s:I, s:I}", "a", items[i].source, "b", items[k].source, "looks",
                     (json_int_t)(i == k ? a : a + b), "together", (json_int_t)together, "least",
                     (json_int_t)(a < b ? a : b));
}

json_t *report_json_pairs(const struct run *run)
{
    size_t n = run->statements.n < BOARD_STATEMENTS ? run->statements.n : BOARD_STATEMENTS;
    json_t *list = json_array();
    if (run->threads < 2)
        return list;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i; k < n; k++)
            if (run->pairs.looks[i] + run->pairs.looks[k] > 0)
                json_array_append_new(list, pair_of(run, i, k));
    return list;
}

/* [{"statement", "results", "reason", "calls", "exceptions", "exceptions_reason"}] */
json_t *report_json_compared(const struct run *run)
{
    json_t *list = json_array();
    for (size_t i = 0; i < run->compared.n; i++) {
        const struct compared *item = &run->compared.items[i];
        bool results = item->results == LOOKED_YES && item->calls > 0,
             exceptions = item->exceptions == LOOKED_YES;
        const char *why = item->results == LOOKED_YES ? "no child came to compare one" : item->why;
        json_array_append_new(
            list, json_pack("{s:o, s:b, s:o, s:I, s:b, s:o}", "statement", report_json_text(item->statement),
                            "results", results, "reason", report_json_text(results ? NULL : why), "calls",
                            (json_int_t)item->calls, "exceptions", exceptions, "exceptions_reason",
                            report_json_text(exceptions ? NULL : item->why_exceptions)));
    }
    return list;
}

static json_t *kinds_of(const struct memcheck_length *length)
{
    json_t *json = json_object();
    for (int kind = 0; kind < MEMCHECK_KINDS; kind++) {
        json_int_t bytes = 0, blocks = 0;
        for (int arm = 0; arm < MEMCHECK_ARMS; arm++) {
            bytes += (json_int_t)length->sums[arm][kind].bytes;
            blocks += (json_int_t)length->sums[arm][kind].blocks;
        }
        json_object_set_new(json, memcheck_kind_names[kind],
                            json_pack("{s:I, s:I}", "bytes", bytes, "blocks", blocks));
    }
    return json;
}

static json_t *rates_of(const struct memcheck *memcheck, enum memcheck_arm arm)
{
    json_t *json = json_object();
    for (int kind = 0; kind < MEMCHECK_KINDS; kind++) {
        struct memcheck_rate rate = memcheck_rate(memcheck, arm, (enum memcheck_kind)kind);
        json_object_set_new(json, memcheck_kind_names[kind],
                            json_pack("{s:f, s:f}", "bytes", rate.bytes, "blocks", rate.blocks));
    }
    return json;
}

json_t *report_json_memcheck(const struct memcheck *memcheck)
{
    if (!memcheck->on)
        return json_null();
    json_t *lengths = json_array();
    for (unsigned i = 0; i < memcheck->n; i++) {
        const struct memcheck_length *length = &memcheck->lengths[i];
        json_array_append_new(
            lengths, json_pack("{s:I, s:I, s:o}", "calls", (json_int_t)length->calls[MEMCHECK_CALLS], "new",
                               (json_int_t)length->calls[MEMCHECK_NEW], "left", kinds_of(length)));
    }
    return json_pack("{s:o, s:b, s:o, s:o, s:f}", "lengths", lengths, "has_new", memcheck->has_new,
                     "each_call", rates_of(memcheck, MEMCHECK_CALLS), "each_new_call",
                     rates_of(memcheck, MEMCHECK_NEW), "code_bytes_each_new_call", memcheck_code(memcheck));
}

static json_t *row_of(const struct meetings *meetings, const struct meeting_row *row)
{
    return json_pack(
        "{s:o, s:o, s:I, s:b, s:o, s:b}", "results", report_json_texts(row->results, meetings->nroles),
        "state", report_json_text(*row->state ? row->state : NULL), "count", (json_int_t)row->count, "serial",
        row->serial, "order", report_json_text(*row->order ? row->order : NULL), "check_failed", row->failed);
}

/* {"meetings", "seconds", "orders", "roles", "state", "not_compared", "others", "rows": [{"results", "state", "count",
 * "serial", "order", "check_failed"}]} */
json_t *report_json_outcomes(const struct run *run)
{
    const struct meetings *meetings = &run->meetings;
    json_t *rows = json_array();
    if (meetings->nroles == 0) {
        json_decref(rows);
        return json_null();
    }
    for (int allowed = 0; allowed < 2; allowed++) /* findings first */
        for (size_t i = 0; i < meetings->n; i++)
            if ((meetings->rows[i].serial && !meetings->rows[i].failed) == allowed)
                json_array_append_new(rows, row_of(meetings, &meetings->rows[i]));
    return json_pack("{s:I, s:f, s:i, s:o, s:o, s:o, s:I, s:o}", "meetings", (json_int_t)meetings->count,
                     "seconds", (double)meetings->time / 1e9, "orders", (int)meetings->orders, "roles",
                     report_json_texts(meetings->roles, meetings->nroles), "state",
                     report_json_text(meetings->state), "not_compared",
                     report_json_texts(meetings->lacks, meetings->nlacks), "others",
                     (json_int_t)meetings->others, "rows", rows);
}

static json_t *trials_of(const struct trials *trials)
{
    double low, high;
    if (trials->of == 0)
        return json_null();
    verification_interval(trials, &low, &high);
    return json_pack("{s:i, s:i, s:f, s:f}", "hit", (int)trials->hit, "of", (int)trials->of, "low", low / 100,
                     "high", high / 100);
}

static json_t *list_of(const char *key, const struct knock_out *outs, unsigned n)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:o}", key, outs[i].call, "trials", trials_of(&outs[i].trials)));
    return list;
}

json_t *report_json_verification(const struct verification *found)
{
    char guilty[1024];
    if (!found)
        return json_null();
    json_t *ladder = json_object(), *first = json_null();
    for (int rung = RUNG_PRIVATE; rung < (int)found->share; rung++)
        json_object_set_new(ladder, rung_names[rung], trials_of(&found->ladder[rung]));
    if (found->nfirst > 0)
        first = json_pack("{s:f, s:f, s:i}", "calls", verification_first_calls(found), "seconds",
                          verification_first_seconds(found), "hits", (int)found->nfirst);
    verification_say_guilty(found, guilty, sizeof guilty);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "finding",
                     report_json_text(found->root), "left_out", report_json_text(found->without), "again",
                     trials_of(&found->again), "first", first, "ladder", ladder, "rung",
                     rung_names[verification_rung(found)], "rule", verification_say_rung(found), "private",
                     trials_of(&found->ladder[RUNG_PRIVATE]), "gil", trials_of(&found->gil), "one_thread",
                     trials_of(&found->alone), "no_package", trials_of(&found->plain), "knock_outs",
                     list_of("without", found->knock_outs, found->nknock_outs), "inputs",
                     list_of("private", found->inputs, found->ninputs), "sentence", report_json_text(guilty));
}
