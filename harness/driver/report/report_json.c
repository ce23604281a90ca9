/* The document of a run, ftstress-report/1, and its form as JSON. */
#include "driver/report/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"
#include "driver/report/document.h"
#include "driver/report/report_json_inside.h"
#include "driver/report/reporter.h"

static json_t *children_of(const struct child_log *log)
{
    json_t *list = json_array();
    for (size_t i = 0; i < log->n; i++) {
        const struct child_entry *entry = &log->items[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:f, s:f, s:f, s:I, s:s}", "member", entry->member, "end", entry->end,
                            "began", entry->began, "seconds", entry->seconds, "start", entry->start, "calls",
                            (json_int_t)entry->calls, "findings", entry->findings ? entry->findings : ""));
    }
    return list;
}

static json_t *environment_of(const struct run *run)
{
    json_t *json = json_object();
    for (size_t i = 0; i < run->nenvironment; i++) {
        size_t key = strcspn(run->environment[i], "=");
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)key, run->environment[i]);
        json_object_set_new(json, name, report_json_text(run->environment[i] + key + 1));
    }
    if (run->facts.gil != GIL_UNKNOWN)
        json_object_set_new(json, "gil", json_string(run->facts.gil == GIL_ON ? "on" : "off"));
    if (run->facts.changes != CHANGES_NONE)
        json_object_set_new(json, "mutates",
                            json_string(run->facts.changes == CHANGES_SEEN ? "yes" : "maybe"));
    if (run->facts.writes)
        json_object_set_new(json, "_writes", report_json_text(run->facts.writes));
    return json;
}

static json_t *traced_of(const struct facts *facts)
{
    if (facts->traced_calls == 0)
        return json_null();
    return json_pack("{s:I, s:I}", "calls", (json_int_t)facts->traced_calls, "words",
                     (json_int_t)facts->traced_words);
}

static json_t *walks_of(const struct walks *walks)
{
    if (walks->rounds == 0)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:f}", "rounds", (json_int_t)walks->rounds, "blocks",
                     (json_int_t)walks->present, "walked", (json_int_t)walks->blocks, "seconds",
                     (double)walks->nanoseconds / 1e9);
}

json_t *report_json_date(time_t time)
{
    char text[32] = "";
    struct tm broken;
    if (gmtime_r(&time, &broken))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &broken);
    return json_string(text);
}

/* Known races of a run under ThreadSanitizer, used and unused. */
static json_t *suppressions_of(const struct run *run)
{
    const struct suppression_list *list = run->suppressions;
    json_t *json = list && list->n ? json_array() : json_null();
    for (size_t i = 0; list && i < list->n; i++) {
        const struct suppression *rule = &list->items[i];
        json_array_append_new(json,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "type", rule->type, "pattern",
                                        rule->pattern, "where", rule->where, "link", rule->link, "version",
                                        rule->version, "why", rule->why, "used", (int)rule->hits));
    }
    return json;
}

json_t *report_json_known_list(const struct known_list *list)
{
    json_t *json = list ? json_array() : json_null();
    for (size_t i = 0; list && i < list->n; i++) {
        json_t *known = report_json_known(&list->items[i]);
        json_object_set_new(known, "hits", json_integer(list->items[i].hits));
        json_array_append_new(json, known);
    }
    return json;
}

/* Children that made calls with each detector. */
static json_t *looks_of(const struct run *run)
{
    json_t *json = json_object();
    for (int i = 0; i < DETECTOR_COUNT; i++)
        if (run->looks[i].all > 0)
            json_object_set_new(json, detector_rows[i].name,
                                json_pack("{s:i, s:i}", "children", (int)run->looks[i].all, "threads",
                                          (int)run->looks[i].threads));
    return json;
}

static double fraction(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* Returns the command that runs a finding again, for a shell; the caller's, or NULL without memory. */
static char *reproduce_of(const struct run *run, const char *id)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+,-";
    bool is_default = !run->out || strcmp(run->out, "ftstress-out") == 0;
    const char *quote = is_default || strspn(run->out, plain) == strlen(run->out) ? "" : "'";
    char *text;
    int n = asprintf(&text, "ftstress reproduce %s%s%s%s%s", id, is_default ? "" : " --out ", quote,
                     is_default ? "" : run->out, quote);
    return n < 0 ? NULL : text;
}

/* The finding with the index of its trials, the file of its plan, and the command that runs it again. */
static json_t *finding_of(const struct run *run, const struct finding *finding)
{
    cleanup_free char *file = NULL, *reproduce = reproduce_of(run, finding->id);
    json_t *json = report_json_finding(finding);
    const struct verification *found = run->verification;
    json_int_t i = 0;
    for (; found && found != finding->verification; found = found->next)
        i++;
    if (asprintf(&file, "%s/%s/plan.yaml", run->out ? run->out : ".", finding->id) >= 0)
        json_object_set_new(json_object_get(json, "plan"), "file", report_json_text(file));
    json_object_set_new(json, "reproduce", report_json_text(reproduce));
    json_object_set_new(json, "state",
                        !run->known || !run->known->has_baseline ? json_null()
                        : finding->known                         ? json_string("known")
                        : finding->regressed                     ? json_string("regressed")
                                                                 : json_string("new"));
    json_object_set_new(json, "trials", found ? json_integer(i) : json_null());
    return json;
}

static void add_findings(json_t *json, const struct run *run)
{
    json_t *findings = json_array(), *verifications = json_array();
    for (size_t i = 0; i < run->findings.n; i++)
        json_array_append_new(findings, finding_of(run, run->findings.items[i]));
    for (const struct verification *found = run->verification; found; found = found->next)
        json_array_append_new(verifications, report_json_verification(found));
    json_object_set_new(json, "findings", findings);
    json_object_set_new(json, "verification", report_json_verification(run->verification));
    json_object_set_new(json, "verifications", verifications);
    json_object_set_new(json, "suppressions", suppressions_of(run));
    json_object_set_new(json, "known", report_json_known_list(run->known));
    json_object_set_new(json, "notes", report_json_texts(run->notes.items, run->notes.n));
}

json_t *report_document(const struct run *run)
{
    const char *verdict = run->status == STATUS_FINDING ? "finding"
                          : run->status == STATUS_CLEAN ? "clean"
                                                        : "untested";
    double bound = run_rate_bound(run);
    json_t *json = json_object();
    json_object_set_new(json, "schema", json_string("ftstress-report/1"));
    json_object_set_new(json, "name", report_json_text(run->name));
    json_object_set_new(json, "date", report_json_date(time(NULL)));
    json_object_set_new(json, "seed", json_integer((json_int_t)run->seed));
    json_object_set_new(json, "verdict", json_string(verdict));
    json_object_set_new(json, "reason", report_json_text(run->reason));
    json_object_set_new(json, "threads", json_integer(run->threads));
    json_object_set_new(json, "share", json_string(rung_names[run->share]));
    json_object_set_new(json, "calls", json_integer((json_int_t)run->calls));
    json_object_set_new(json, "serial_calls", json_integer((json_int_t)run->serial_calls));
    json_object_set_new(json, "tested_calls", json_integer((json_int_t)run_tested_calls(run)));
    json_object_set_new(json, "seconds", json_real(run->seconds));
    json_object_set_new(json, "rate", json_real(fraction(run->rated_calls, run->rated_time) * 1e9));
    json_object_set_new(json, "overlap",
                        run->serialized ? json_null() : json_real(fraction(run->overlapped, run->sampled)));
    json_object_set_new(json, "children", children_of(&run->log));
    json_object_set_new(json, "no_turn", report_json_texts(run->no_turn, run->nno_turn));
    json_object_set_new(json, "growth_looked", run->hints ? json_boolean(run->hinted) : json_null());
    json_object_set_new(json, "looks", looks_of(run));
    json_object_set_new(json, "test", *run->test ? json_string(run->test) : json_null());
    json_object_set_new(json, "pairs", report_json_pairs(run));
    json_object_set_new(json, "compared", report_json_compared(run));
    json_object_set_new(json, "rate_below", bound > 0 ? json_real(bound) : json_null());
    json_object_set_new(json, "checker", walks_of(&run->walks));
    json_object_set_new(json, "traced", traced_of(&run->facts));
    json_object_set_new(json, "first_uses",
                        json_pack("{s:I, s:f}", "processes", (json_int_t)run->processes, "seconds",
                                  clock_seconds(run->processes_time)));
    json_object_set_new(json, "outcomes", report_json_outcomes(run));
    json_object_set_new(json, "memcheck", report_json_memcheck(&run->memcheck));
    json_object_set_new(json, "environment", environment_of(run));
    add_findings(json, run);
    document_round(json);
    return json;
}

int reporter_json(const struct report *report, FILE *out)
{
    if (json_dumpf(report->document, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0)
        return -ENOMEM;
    fputc('\n', out);
    return 0;
}
