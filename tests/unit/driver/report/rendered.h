/* Reports for the tests of the reporters, and what every form of one must be. Included after cmocka.h. */
#pragma once

#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/report/reporter.h"

static const char stacks[] =
    "[{'title': 'the access', 'frames': ["
    "{'function': 'guilty', 'module': '/v/site-packages/p/m.so', 'offset': '0x1f', 'file': './src/a b.c', 'line': 7},"
    "{'function': null, 'module': '/lib/libc.so.6', 'offset': '0x2', 'inline': true},"
    "{'function': 'worker_main', 'module': '/b/ftstress-child', 'file': '/s/harness/child/worker.c', 'line': 1},"
    "{'function': 'below', 'module': '/lib/libc.so.6', 'offset': '0x3'}]}]";

/* JSON with single quotes, for C to be readable. */
static inline json_t *parse(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline json_t *parse(const char *format, ...)
{
    cleanup_free char *text = NULL;
    json_error_t error;
    va_list arguments;
    va_start(arguments, format);
    assert_true(vasprintf(&text, format, arguments) >= 0);
    va_end(arguments);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *json = json_loads(text, 0, &error);
    if (!json)
        fail_msg("%s in %s", error.text, text);
    return json;
}

static inline json_t *make_finding(const char *kind)
{
    return parse(
        "{'id': 'F0123456', 'kind': '%s', 'severity': 'crash', 'function': 'guilty', 'package': 'p 1.0',"
        "'message': 'wrote 8 bytes', 'rung': 'readonly', 'blame': 'target', 'cause': null, 'count': 3,"
        "'runs': {'hit': 1, 'of': 4}, 'signature': 'sig|guilty', 'statement': 'p.f(x)', 'stacks': %s,"
        "'block': {'what': 'a float64 (10,)', 'size': 80, 'offset': 80, 'length': 8,"
        "'bytes': '4142434400ff3c26', 'found': 'free', 'trapped': false}, 'evidence': 'free(): invalid',"
        "'plan': {'yaml': 'name: p\\n', 'threads': 8}}",
        kind, stacks);
}

static inline json_t *make_report(const char *verdict)
{
    return parse(
        "{'schema': 'ftstress-report/1', 'name': 'somersd', 'date': '2026-01-02T03:04:05', 'seed': 5,"
        "'verdict': '%s', 'reason': null, 'threads': 8, 'calls': 100, 'serial_calls': 1, 'seconds': 2.5,"
        "'overlap': 0.5, 'environment': {'python': '3.13.5 build', 'gil': 'off', '_hidden': '1'},"
        "'findings': [], 'notes': ['a note']}",
        verdict);
}

static inline json_t *report_with(json_t *finding)
{
    json_t *report = make_report("finding");
    json_array_append_new(json_object_get(report, "findings"), finding);
    return report;
}

/* noinline: otherwise gcc takes the text for a dangling pointer. */
__attribute__((noinline, unused)) static char *render(const char *form, const json_t *report)
{
    char *text;
    const struct reporter *reporter = reporter_find(form);
    assert_non_null(reporter);
    assert_int_equal(reporter_render(reporter, &(struct report){.document = report}, &text), 0);
    return text;
}

static inline void assert_says(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("it does not say \"%s\":\n%s", words, text);
}

static inline void assert_no(const char *text, const char *words)
{
    if (strstr(text, words))
        fail_msg("it says \"%s\":\n%s", words, text);
}

static inline size_t count(const char *text, const char *words)
{
    size_t n = 0;
    while ((text = strstr(text, words)) && *words) {
        text += strlen(words);
        n++;
    }
    return n;
}

/* Any text of a report may hold anything that UTF-8 can say. */
static inline void assert_well_made(const char *form, const char *text)
{
    json_t *whole = json_pack("s", text);
    if (!whole)
        fail_msg("%s is no UTF-8", form);
    json_decref(whole);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' && *c != '\n' && *c != '\t')
            fail_msg("%s holds the control character %d", form, *c);
    if (strcmp(form, "sarif") == 0 || strcmp(form, "json") == 0) {
        json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        json_decref(json);
    }
}

static inline void assert_all_forms(const json_t *report)
{
    for (size_t i = 0; i < reporter_count; i++) {
        cleanup_free char *text = render(reporters[i].name, report);
        assert_well_made(reporters[i].name, text);
        assert_true(*text);
    }
}
