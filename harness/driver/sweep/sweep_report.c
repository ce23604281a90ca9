#include "driver/sweep/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/text.h"
#include "core/wire/status.h"
#include "driver/baseline/baseline.h"
#include "driver/merge/merge.h"
#include "driver/report/document.h"
#include "driver/report/report.h"
#include "driver/sweep/sweep_unit.h"
#include "driver/sweep/sweep_state.h"

/* The results of all units. */
struct sum {
    json_t *rows, *others, *findings, *verifications, *environment, *notes, *passes;
    unsigned missing;   /* units that are not complete */
    bool none_returned; /* with all the time that they need */
};

static void add_result(struct sum *sum, struct run *run, const json_t *result)
{
    const char *name;
    json_t *pass;
    json_array_extend(sum->rows, json_object_get(result, "callables"));
    json_array_extend(sum->others, json_object_get(result, "others"));
    json_array_extend(sum->notes, json_object_get(result, "notes"));
    json_object_update_missing(sum->environment, json_object_get(result, "environment"));
    merge_add_findings(result, sum->findings, sum->verifications);
    json_object_foreach (json_object_get(result, "passes"), name, pass)
        sweep_add_turn(sum->passes, name, (unsigned)document_number(pass, "callables"),
                       (unsigned)document_number(pass, "reached"));
    run->children += (unsigned)document_number(result, "children");
    run->serial_calls += (uint64_t)document_number(result, "serial_calls");
    run->calls += (uint64_t)document_number(result, "calls");
    run->sampled += (uint64_t)document_number(result, "sampled");
    run->overlapped += (uint64_t)document_number(result, "overlapped");
}

/* The result of a unit that had no turn. A new reference. */
static json_t *empty_result(const json_t *entries)
{
    struct unit unit;
    json_t *row;
    size_t i;
    int error = unit_begin(&unit, entries);
    json_t *result = error ? NULL : unit_document(&unit);
    unit_add_turns(&unit, result);
    json_array_foreach (json_object_get(result, "callables"), i, row)
        if (!*document_text(row, "why"))
            json_object_set_new(row, "why", json_string(UNIT_NO_TURN));
    unit_clear(&unit);
    return result;
}

static void add_unit(const struct sweep *sweep, struct sum *sum, struct run *run, unsigned number)
{
    json_auto_t *result = sweep_state_read(sweep, number);
    sum->missing += !document_is_true(result, "complete");
    if (!result)
        result = empty_result(json_array_get(sweep->units, number));
    add_result(sum, run, result);
}

/* Was the time over before a call of this callable came to its end? */
static bool is_cut_off(const json_t *row)
{
    const char *why = document_text(row, "why");
    return *why ? strcmp(why, UNIT_NO_TURN) == 0 : document_ended(row) == 0;
}

/* Returns why nothing is known of any callable; NULL: a call returned, or showed a finding. A call that raises does
 * little of what it is for. */
static const char *why_none_returned(const struct sweep *sweep, struct sum *sum)
{
    long long returned = 0, ended = 0;
    bool is_short = sum->missing > 0;
    size_t i;
    const json_t *row;
    json_array_foreach (sum->rows, i, row) {
        returned += document_number(row, "returned");
        ended += document_ended(row);
        is_short = is_short || is_cut_off(row);
    }
    if (returned > 0 || json_array_size(sum->findings) > 0)
        return NULL;
    if (is_short && sweep->deadline)
        return "no call returned before the time was over; give it more --time";
    sum->none_returned = true;
    return ended > 0
               ? "no call returned, see the table for the reasons; name other modules, or call these with "
                 "arguments of your own in `ftstress run`"
               : "no callable can be called with simple arguments, see the table for the reasons; call them "
                 "with arguments of your own in `ftstress run`";
}

static const char *why_untested(const struct sweep *sweep, struct sum *sum)
{
    if (atomic_load(&sweep->board->interrupted))
        return sweep->signals ? "interrupted before its end; the corpus and the findings are kept"
                              : "interrupted before its end; the same command goes on from here";
    if (json_array_size(sum->rows) == 0 && sweep->request->shards > 0)
        return "no callable falls into this shard; see the table for modules that could not be imported";
    if (json_array_size(sum->rows) == 0)
        return "the modules have no public callable, or could not be imported; see the table";
    return why_none_returned(sweep, sum);
}

static void decide(const struct sweep *sweep, struct sum *sum, struct run *run)
{
    size_t i;
    const json_t *finding;
    const char *why = why_untested(sweep, sum);
    run->interrupted = atomic_load(&sweep->board->interrupted);
    run->status = why ? STATUS_UNTESTED : STATUS_CLEAN;
    json_array_foreach (sum->findings, i, finding)
        if (!document_is_known(finding) &&
            (sweep->request->strict || strcmp(document_text(finding, "blame"), "user") != 0))
            run->status = STATUS_FINDING;
    if (why && run->status != STATUS_FINDING)
        run->reason = strdup(why);
}

static void name_run(const struct sweep *sweep, struct run *run)
{
    text_join(&run->name, "", sweep->signals ? "fuzzing of" : "sweep of");
    for (size_t i = 0; i < sweep->nmodules; i++)
        text_join(&run->name, i ? ", " : " ", sweep->modules[i]);
    run->seed = sweep->request->plan.seed;
    run->share = RUNG_READONLY;
    run->threads = 1;
    run->out = sweep->request->out;
    run->python = sweep->mode->probe.executable;
    run->seconds = clock_seconds(clock_now() - sweep->began);
}

static void begin_sum(struct sum *sum)
{
    *sum = (struct sum){.rows = json_array(),
                        .others = json_array(),
                        .findings = json_array(),
                        .verifications = json_array(),
                        .environment = json_object(),
                        .notes = json_array(),
                        .passes = json_object()};
}

/* Consumes the sum. */
static json_t *finish(const struct sweep *sweep, struct sum *sum, struct run *run)
{
    json_object_del(sum->environment, "mutates"); /* of some statements only */
    baseline_mark(sum->findings, sweep->known);
    known_note_unused(sweep->known, &run->notes);
    decide(sweep, sum, run);
    run->known = sweep->known->n > 0 || sweep->known->has_baseline ? sweep->known : NULL;
    json_t *document = report_document(run);
    json_object_set_new(document, "verification",
                        json_incref(json_array_get(sum->verifications, 0)) ?: json_null());
    json_object_set_new(document, "verifications", sum->verifications);
    json_object_set_new(document, "findings", sum->findings);
    json_object_set_new(document, "environment", sum->environment);
    json_array_extend(sum->notes, json_object_get(document, "notes"));
    json_object_set_new(document, "notes", sum->notes);
    json_object_set_new(document, "rate_below", json_null()); /* the calls are different ones */
    json_object_set_new(document, "sweep",
                        json_pack("{s:b, s:i, s:b, s:O, s:o}", "complete", sum->missing == 0, "children",
                                  (int)run->children, "resumed", sweep->resumed, "not_imported",
                                  json_object_get(sweep->catalogue, "modules"), "callables", sum->rows));
    if (json_object_size(sum->passes) > 0) /* a fuzzer has none */
        json_object_set(json_object_get(document, "sweep"), "passes", sum->passes);
    json_decref(sum->passes);
    if (json_array_size(sum->others) > 0)
        json_object_set(json_object_get(document, "sweep"), "others", sum->others);
    json_decref(sum->others);
    if (sum->none_returned)
        json_object_set_new(json_object_get(document, "sweep"), "none_returned", json_true());
    if (sweep->request->shards > 0)
        json_object_set_new(json_object_get(document, "sweep"), "shard",
                            json_sprintf("%u/%u", sweep->request->shard, sweep->request->shards));
    return document;
}

json_t *sweep_report_result(const struct sweep *sweep, struct run *run, const json_t *result)
{
    struct sum sum;
    begin_sum(&sum);
    name_run(sweep, run);
    add_result(&sum, run, result);
    return finish(sweep, &sum, run);
}

json_t *sweep_report(struct sweep *sweep, struct run *run)
{
    struct sum sum;
    begin_sum(&sum);
    name_run(sweep, run);
    for (unsigned i = 0; i < json_array_size(sweep->units); i++)
        add_unit(sweep, &sum, run, i);
    json_t *document = finish(sweep, &sum, run);
    if (sum.missing == 0)
        sweep_state_remove(sweep);
    return document;
}
