/* SARIF 2.1.0. Compiled packages seldom have debug information: then a location is a function and its module. */
#include "driver/report/reporter.h"

#include <errno.h>
#include <libxml/uri.h>
#include <stdbool.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "core/wire/status.h"
#include "driver/report/document.h"
#include "driver/report/sentence.h"

#define SCHEMA_URI                                                                                           \
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

static const struct rule {
    const char *kind, *about;
} rules[] = {
    {"heap-corruption",
     "Memory outside of a block was read or written, or the allocator's own data is broken."},
    {"use-after-free", "A block was read or written after it was freed."},
    {"double-free", "A block was freed twice, or freed in a way that does not fit how it was made."},
    {"crash", "A child died of a signal or ended early."},
    {"hang", "Threads made no progress: a deadlock, a lost wake-up, an endless loop, or code that blocks."},
    {"input-mutated", "A call wrote to an input that it should only read."},
    {"wrong-result",
     "A result is not that of one call alone, does not fit its buffer, or rests on values that were never set."},
    {"exception", "Calls on several threads raised what one call alone does not raise."},
    {"refcount-underflow", "A reference count fell below what its holders account for."},
    {"reference-leak", "References were taken and never given back."},
    {"memory-growth", "Memory grows with the number of calls."},
    {"shutdown-leak", "Memory or threads were left behind when the interpreter ended."},
    {"data-race", "Two threads used the same memory without order, and one of them wrote."},
    {"interpreter-fault", "The interpreter ended the process with a fatal error."},
};

static const char *about(const char *kind)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].kind, kind) == 0)
            return rules[i].about;
    return "A finding of ftstress.";
}

static json_t *message(const char *text)
{
    return json_pack("{s:s}", "text", text);
}

/* Adds a rule for a kind unless the list has one. Returns its index, by which results refer to it. */
static size_t rule_index(json_t *list, const char *kind)
{
    size_t i;
    const json_t *rule;
    json_array_foreach (list, i, rule)
        if (strcmp(document_text(rule, "id"), kind) == 0)
            return i;
    json_array_append_new(list, json_pack("{s:s, s:o, s:{s:s}}", "id", kind, "shortDescription",
                                          message(about(kind)), "defaultConfiguration", "level", "error"));
    return json_array_size(list) - 1;
}

/* A relative path stays relative to the tree that it was built in. */
static json_t *physical_location(const json_t *frame)
{
    const char *file = document_text(frame, "file");
    json_int_t line = document_number(frame, "line");
    while (strncmp(file, "./", 2) == 0)
        file += 2;
    xmlChar *uri = *file && line > 0 ? xmlURIEscapeStr(BAD_CAST file, BAD_CAST "/") : NULL;
    json_t *location =
        uri ? json_pack("{s:{s:s+}, s:{s:I}}", "artifactLocation", "uri", *file == '/' ? "file://" : "",
                        (const char *)uri, "region", "startLine", line)
            : NULL;
    xmlFree(uri);
    return location;
}

static json_t *location_of(const json_t *frame)
{
    cleanup_free char *text = document_place(frame);
    const char *place = text ? text : "", *function = document_function(frame);
    json_t *location =
        json_pack("{s:[{s:s, s:s+++, s:s}]}", "logicalLocations", "name", function, "fullyQualifiedName",
                  place, *place ? "!" : "", function, "", "kind", "function");
    json_object_set_new(location, "physicalLocation", physical_location(frame));
    return location;
}

static json_t *stack_of(const json_t *stack)
{
    json_t *frames = json_array();
    size_t shown = document_frames(stack), i;
    const json_t *frame;
    json_array_foreach (json_object_get(stack, "frames"), i, frame) {
        if (i == shown)
            break;
        json_array_append_new(frames, json_pack("{s:o, s:s}", "location", location_of(frame), "module",
                                                path_base(document_text(frame, "module"))));
    }
    return json_pack("{s:o, s:o}", "message", message(document_text(stack, "title")), "frames", frames);
}

static json_t *stacks_of(const json_t *finding)
{
    json_t *list = json_array();
    size_t i;
    const json_t *stack;
    json_array_foreach (json_object_get(finding, "stacks"), i, stack)
        json_array_append_new(list, stack_of(stack));
    return list;
}

/* Finds the frame of the guilty function. */
static const json_t *guilty_frame(const json_t *finding)
{
    const char *function = document_text(finding, "function");
    size_t i, k;
    const json_t *stack, *frame;
    json_array_foreach (json_object_get(finding, "stacks"), i, stack)
        json_array_foreach (json_object_get(stack, "frames"), k, frame)
            if (*function && strcmp(document_text(frame, "function"), function) == 0)
                return frame;
    return NULL;
}

/* A scanner shows only results with a file: without debug information the plan that was kept. */
static json_t *plan_location(const json_t *finding)
{
    const char *file = document_text(json_object_get(finding, "plan"), "file");
    json_auto_t *plan = json_pack("{s:s, s:i}", "file", *file ? file : "plan.yaml", "line", 1);
    return physical_location(plan);
}

static json_t *location_without_frame(const json_t *finding)
{
    const char *function = document_text(finding, "function");
    cleanup_free char *statement = document_line(document_text(finding, "statement"));
    const char *name = *function || !statement ? function : statement;
    return *name ? json_pack("{s:[{s:s, s:s*}]}", "logicalLocations", "name", name, "kind",
                             *function ? "function" : NULL)
                 : json_object();
}

static json_t *locations_of(const json_t *finding)
{
    const json_t *frame = guilty_frame(finding);
    json_t *location = frame ? location_of(frame) : location_without_frame(finding);
    if (!json_is_object(json_object_get(location, "physicalLocation")))
        json_object_set_new(location, "physicalLocation", plan_location(finding));
    return json_pack("[o]", location);
}

/* All facts but those for which SARIF has a place of its own. */
static json_t *properties_of(const json_t *json, const char *const *without)
{
    json_t *properties = json_is_object(json) ? json_copy((json_t *)json) : json_object(), *value;
    const char *key;
    void *next;
    for (; *without; without++)
        json_object_del(properties, *without);
    json_object_foreach_safe(properties, next, key, value) if (json_is_null(value))
        json_object_del(properties, key);
    return properties;
}

/* SARIF wants a list for each result where a run can suppress some. */
static json_t *suppressions_of(const json_t *finding)
{
    cleanup_free char *state = sentence_state(finding);
    return document_is_known(finding) ? json_pack("[{s:s, s:s, s:s}]", "kind", "external", "status",
                                                  "accepted", "justification", state ? state : "")
                                      : json_array();
}

static json_t *result_of(const json_t *finding, json_t *list)
{
    static const char *const without[] = {"kind", "message", "stacks", "count", "signature", NULL};
    const char *kind = document_text(finding, "kind"), *signature = document_text(finding, "signature");
    bool is_user = strcmp(document_text(finding, "blame"), "user") == 0;
    json_int_t count = document_number(finding, "count");
    kind = *kind ? kind : "unknown";
    json_t *result = json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o}", "ruleId", kind, "ruleIndex",
                               (int)rule_index(list, kind), "level", is_user ? "warning" : "error", "message",
                               message(document_text(finding, "message")), "locations", locations_of(finding),
                               "stacks", stacks_of(finding), "properties", properties_of(finding, without));
    if (*signature)
        json_object_set_new(result, "partialFingerprints",
                            json_pack("{s:s}", "ftstressSignature/v1", signature));
    json_object_set_new(result, "suppressions", suppressions_of(finding));
    if (*document_text(finding, "state")) /* SARIF has no word for one that is back */
        json_object_set_new(result, "baselineState",
                            json_string(document_is_known(finding) ? "unchanged" : "new"));
    if (count > 0)
        json_object_set_new(result, "occurrenceCount", json_integer(count));
    return result;
}

static json_t *notifications_of(const json_t *report)
{
    json_t *list = json_array();
    const char *reason = document_text(report, "reason");
    size_t i;
    const json_t *note;
    if (*reason)
        json_array_append_new(list, json_pack("{s:s, s:o}", "level", "error", "message", message(reason)));
    json_auto_t *notes = sentence_list_compared(report);
    json_array_extend(notes, json_object_get(report, "notes"));
    json_array_foreach (notes, i, note)
        if (json_is_string(note))
            json_array_append_new(
                list, json_pack("{s:s, s:o}", "level", "note", "message", message(json_string_value(note))));
    return list;
}

static json_t *invocation_of(const json_t *report)
{
    static const char *const without[] = {"schema", "findings", "notes", NULL};
    const char *verdict = document_text(report, "verdict");
    int code = strcmp(verdict, "clean") == 0     ? STATUS_CLEAN
               : strcmp(verdict, "finding") == 0 ? STATUS_FINDING
                                                 : STATUS_UNTESTED;
    return json_pack("{s:b, s:i, s:o, s:o}", "executionSuccessful", code != STATUS_UNTESTED, "exitCode", code,
                     "toolExecutionNotifications", notifications_of(report), "properties",
                     properties_of(report, without));
}

static json_t *log_of(const json_t *report)
{
    json_t *list = json_array(), *results = json_array();
    size_t i;
    const json_t *finding;
    json_array_foreach (json_object_get(report, "findings"), i, finding)
        json_array_append_new(results, result_of(finding, list));
    return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:[o], s:o, s:s}]}", "$schema", SCHEMA_URI,
                     "version", "2.1.0", "runs", "tool", "driver", "name", "ftstress", "version",
                     FTSTRESS_VERSION, "rules", list, "invocations", invocation_of(report), "results",
                     results, "columnKind", "utf16CodeUnits");
}

int reporter_sarif(const struct report *report, FILE *out)
{
    json_auto_t *log = log_of(report->document);
    return log ? reporter_json(&(struct report){.document = log}, out) : -ENOMEM;
}
