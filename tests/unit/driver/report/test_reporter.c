/* Reporters: every form of every kind of finding, of foreign and hostile reports; and how kept ones are found. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "driver/finding/finding.h"
#include "driver/report/document.h"
#include "driver/report/markup.h"
#include "driver/report/reporter.h"

#include "folder.h"

static char directory[] = "/tmp/ftstress-reporter-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return folder_remove(directory);
}

static const char stacks[] =
    "[{'title': 'the access', 'frames': ["
    "{'function': 'guilty', 'module': '/v/site-packages/p/m.so', 'offset': '0x1f', 'file': './src/a b.c', 'line': 7},"
    "{'function': null, 'module': '/lib/libc.so.6', 'offset': '0x2', 'inline': true},"
    "{'function': 'worker_main', 'module': '/b/ftstress-child', 'file': '/s/harness/child/worker.c', 'line': 1},"
    "{'function': 'below', 'module': '/lib/libc.so.6', 'offset': '0x3'}]}]";

/* JSON with single quotes, for C to be readable. */
static json_t *parse(const char *format, ...) __attribute__((format(printf, 1, 2)));

static json_t *parse(const char *format, ...)
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

static json_t *make_finding(const char *kind)
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

static json_t *make_report(const char *verdict)
{
    return parse(
        "{'schema': 'ftstress-report/1', 'name': 'somersd', 'date': '2026-01-02T03:04:05', 'seed': 5,"
        "'verdict': '%s', 'reason': null, 'threads': 8, 'calls': 100, 'serial_calls': 1, 'seconds': 2.5,"
        "'overlap': 0.5, 'environment': {'python': '3.13.5 build', 'gil': 'off', '_hidden': '1'},"
        "'findings': [], 'notes': ['a note']}",
        verdict);
}

static json_t *report_with(json_t *finding)
{
    json_t *report = make_report("finding");
    json_array_append_new(json_object_get(report, "findings"), finding);
    return report;
}

static char *render(const char *form, const json_t *report)
{
    char *text;
    const struct reporter *reporter = reporter_find(form);
    assert_non_null(reporter);
    assert_int_equal(reporter_render(reporter, &(struct report){.document = report}, &text), 0);
    return text;
}

static void assert_says(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("it does not say \"%s\":\n%s", words, text);
}

static void assert_no(const char *text, const char *words)
{
    if (strstr(text, words))
        fail_msg("it says \"%s\":\n%s", words, text);
}

static size_t count(const char *text, const char *words)
{
    size_t n = 0;
    while ((text = strstr(text, words)) && *words) {
        text += strlen(words);
        n++;
    }
    return n;
}

/* Any text of a report may hold anything that UTF-8 can say. */
static void assert_well_made(const char *form, const char *text)
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

static void assert_all_forms(const json_t *report)
{
    for (size_t i = 0; i < reporter_count; i++) {
        cleanup_free char *text = render(reporters[i].name, report);
        assert_well_made(reporters[i].name, text);
        assert_true(*text);
    }
}

static void every_kind_in_every_form(void **state)
{
    (void)state;
    for (int kind = 0; kind < FINDING_KINDS; kind++) {
        json_t *report = report_with(make_finding(finding_kind_names[kind]));
        for (size_t i = 0; i < reporter_count; i++) {
            cleanup_free char *text = render(reporters[i].name, report);
            assert_well_made(reporters[i].name, text);
            assert_says(text, "wrote 8 bytes");
            if (strcmp(reporters[i].name, "github") != 0)
                assert_says(text, finding_kind_names[kind]);
        }
        cleanup_free char *sarif = render("sarif", report);
        assert_no(sarif, "A finding of ftstress.");
        json_decref(report);
    }
}

static void empty_and_foreign_reports_are_rendered(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "{'findings': [{}], 'notes': [1, null], 'environment': {'a': 1, '': 'b'}}",
        "{'findings': [1, null, 'x', []], 'notes': {}, 'environment': []}",
        "{'findings': [{'stacks': [{'frames': [{}, 1, {'module': 1, 'line': 'x'}]}, 2], 'block': {}, 'runs': 7}]}",
        "{'findings': [{'block': {'size': -5, 'offset': 9223372036854775807, 'length': 9223372036854775807}}]}",
        "{'findings': [{'block': {'size': 8, 'offset': -9223372036854775807, 'bytes': 'zz', 'found': 'trap'}}]}",
        "{'verification': {'again': 3, 'knock_outs': [{}, 1]}, 'seconds': -1, 'calls': 'many', 'date': '<'}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *report = parse("%s", texts[i]);
        assert_all_forms(report);
        json_decref(report);
    }
}

/* Hostile text in every place that holds text. */
static void replace_texts(json_t *json, const char *text)
{
    const char *key;
    json_t *value;
    size_t i;
    void *next;
    json_array_foreach (json, i, value)
        json_is_string(value) ? (void)json_string_set(value, text) : replace_texts(value, text);
    json_object_foreach_safe(json, next, key, value) json_is_string(value)
        ? (void)json_string_set(value, text)
        : replace_texts(value, text);
}

static void hostile_text_stays_text(void **state)
{
    (void)state;
    static const char text[] =
        "</pre></script><img src=x> & \"'\" ]]> ``` \x01\x1b[31m \xc2\x9b \xef\xbf\xbf %s %n \xe6\x97\xa5 @user #1";
    json_t *report = report_with(make_finding("crash"));
    replace_texts(report, text);
    assert_all_forms(report);
    cleanup_free char *html = render("html", report), *junit = render("junit", report),
                      *github = render("github", report);
    assert_no(html, "<img");
    assert_int_equal(count(html, "</script>"), 2);
    assert_no(junit, "<img");
    assert_no(junit, "\xef\xbf\xbf");
    assert_no(junit, "]]>");
    assert_says(junit, "\xe6\x97\xa5");
    assert_says(github, "````");
    assert_says(github, "&#64;user &#35;1");
    json_decref(report);
}

/* Whatever is cut, is cut between characters. */
static void long_text_stays_utf8(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        char text[1200] = "...";
        for (size_t at = shift; at + 4 < sizeof text; at += 4)
            memcpy(text + at, "\xf0\x9f\x90\x8d", 5);
        json_t *report = report_with(make_finding("crash"));
        replace_texts(report, text);
        assert_all_forms(report);
        json_decref(report);
    }
}

static void junit_counts(void **state)
{
    (void)state;
    json_t *report = make_report("clean");
    cleanup_free char *clean = render("junit", report);
    assert_says(clean, "tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\" time=\"2.500\"");
    assert_says(clean, "timestamp=\"2026-01-02T03:04:05\"");
    assert_says(clean, "<testcase name=\"somersd\" classname=\"somersd\" time=\"2.500\"></testcase>");
    assert_no(clean, "_hidden");
    json_object_set_new(report, "verdict", json_string("untested"));
    json_object_set_new(report, "reason", json_string("the GIL is \"on\""));
    cleanup_free char *untested = render("junit", report);
    assert_says(untested, "errors=\"0\" skipped=\"1\"");
    assert_says(untested, "<skipped message=\"the GIL is &quot;on&quot;\"/>");
    json_object_set_new(report, "verdict", json_string("?"));
    cleanup_free char *unknown = render("junit", report);
    assert_says(unknown, "errors=\"1\" skipped=\"0\"");
    assert_says(unknown, "<error ");
    json_decref(report);
    report = report_with(make_finding("crash"));
    cleanup_free char *found = render("junit", report);
    assert_says(found, "tests=\"1\" failures=\"1\"");
    assert_says(found, "<testcase name=\"F0123456 crash guilty\"");
    assert_says(found, "<failure type=\"crash\" message=\"wrote 8 bytes\">");
    assert_no(found, "worker_main");
    json_decref(report);
}

static void sarif_names_rule_place_and_fingerprint(void **state)
{
    (void)state;
    json_t *report = report_with(make_finding("double-free"));
    cleanup_free char *text = render("sarif", report);
    json_t *log = json_loads(text, 0, NULL);
    json_t *run = json_array_get(json_object_get(log, "runs"), 0);
    json_t *result = json_array_get(json_object_get(run, "results"), 0);
    const char *uri, *fingerprint, *rule;
    int line, index, code;
    assert_int_equal(json_unpack(result, "{s:s, s:i, s:{s:s}, s:[{s:{s:{s:s}, s:{s:i}}}]}", "ruleId", &rule,
                                 "ruleIndex", &index, "partialFingerprints", "ftstressSignature/v1",
                                 &fingerprint, "locations", "physicalLocation", "artifactLocation", "uri",
                                 &uri, "region", "startLine", &line),
                     0);
    assert_string_equal(rule, "double-free");
    assert_int_equal(index, 0);
    assert_string_equal(uri, "src/a%20b.c");
    assert_int_equal(line, 7);
    assert_string_equal(fingerprint, "sig|guilty");
    json_t *stack = json_array_get(json_object_get(result, "stacks"), 0);
    json_t *frames = json_object_get(stack, "frames");
    assert_int_equal(json_array_size(frames), 2);
    assert_null(json_object_get(json_object_get(json_array_get(frames, 1), "location"), "physicalLocation"));
    assert_int_equal(json_unpack(run, "{s:[{s:i}]}", "invocations", "exitCode", &code), 0);
    assert_int_equal(code, 1);
    json_decref(log);
    json_decref(report);
}

/* The document in the page. */
static json_t *inlined(const char *page)
{
    const char *begin = strstr(page, "id=\"document\">");
    assert_non_null(begin);
    begin += strlen("id=\"document\">");
    json_t *json =
        json_loadb(begin, (size_t)(strstr(begin, "</script>") - begin), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    return json;
}

/* tests/e2e/test_report.py draws such a page in a browser. */
static void html_inlines_the_document(void **state)
{
    (void)state;
    json_t *report = report_with(make_finding("heap-corruption"));
    cleanup_free char *text = render("html", report);
    json_t *json = inlined(text), *finding = json_array_get(json_object_get(json, "findings"), 0);
    json_t *want = json_array_get(json_object_get(report, "findings"), 0);
    json_t *stack = json_array_get(json_object_get(finding, "stacks"), 0);
    assert_string_equal(document_text(finding, "message"), "wrote 8 bytes");
    assert_true(json_equal(json_object_get(finding, "block"), json_object_get(want, "block")));
    assert_string_equal(document_text(finding, "says_seen"),
                        "seen 3 times, in 1 of 4 children, 8 threads, sharing level readonly");
    assert_string_equal(document_text(finding, "says_blame"),
                        "most likely the target's: the block is of guilty in p 1.0");
    assert_int_equal(document_number(stack, "shown"), 2);
    assert_null(json_object_get(json_object_get(json, "environment"), "_hidden"));
    assert_int_equal(count(text, "<script"), 2);
    assert_no(text, "http");
    assert_no(text, "{{");
    json_decref(json);
    json_decref(report);
}

static void html_without_scripts_has_the_text(void **state)
{
    (void)state;
    json_t *report = report_with(make_finding("heap-corruption"));
    cleanup_free char *text = render("html", report);
    assert_says(text, "<tr><td>F0123456</td><td>heap-corruption</td><td>wrote 8 bytes</td>");
    assert_says(text, "#0  guilty  m.so+0x1f  a b.c:7\n");
    assert_says(text, "name: p\n");
    assert_says(text, "note: a note\n");
    json_decref(report);
}

static void html_has_a_colour_for_every_severity(void **state)
{
    (void)state;
    json_t *report = make_report("clean");
    cleanup_free char *text = render("html", report);
    const char *table = strstr(text, "const severities"), *end = strstr(table, "}));");
    for (int i = 0; i < SEVERITIES; i++) {
        char row[64];
        snprintf(row, sizeof row, "\"%s\": \"", finding_severity_names[i]);
        const char *at = strstr(table, row);
        if (!at || at > end)
            fail_msg("report.html has no colour for the severity %s", finding_severity_names[i]);
    }
    json_decref(report);
}

static void junit_has_the_time_of_the_children_that_saw_it(void **state)
{
    (void)state;
    json_t *report = report_with(make_finding("crash"));
    json_object_set_new(
        report, "children",
        parse("[{'seconds': 1.5, 'findings': 'F7654321 F0123456'}, {'seconds': 4.0, 'findings': "
              "'F7654321'}, {'seconds': 0.25, 'findings': 'F0123456'}]"));
    cleanup_free char *text = render("junit", report);
    assert_says(text, "<testcase name=\"F0123456 crash guilty\" classname=\"somersd\" time=\"1.750\">");
    json_decref(report);
}

/* Trials of other findings do not belong to a case or a bug report. */
static void a_finding_has_its_own_trials(void **state)
{
    (void)state;
    static const char *const forms[] = {"junit", "github"};
    json_t *report = report_with(make_finding("crash")), *other = make_finding("hang");
    json_t *first = json_array_get(json_object_get(report, "findings"), 0);
    json_array_append_new(json_object_get(report, "findings"), other);
    json_object_set_new(
        report, "verifications",
        parse("[{'finding': 'F7', 'again': {'hit': 1, 'of': 4}}, {'finding': 'F0123456', 'again': "
              "{'hit': 3, 'of': 5}}]"));
    json_object_set_new(first, "trials", json_integer(1));
    json_object_set_new(other, "trials", json_null());
    for (size_t i = 0; i < 2; i++) {
        cleanup_free char *text = render(forms[i], report);
        assert_int_equal(count(text, "fails in 3 of 5"), 1);
        assert_no(text, "fails in 1 of 4");
    }
    cleanup_free char *text = render("text", report);
    assert_says(text, "F7 run again: fails in 1 of 4");
    json_object_del(first, "trials"); /* an older ftstress */
    cleanup_free char *old = render("junit", report);
    assert_says(old, "fails in 1 of 4");
    json_decref(report);
}

/* Code scanners drop a result without a file. */
static void sarif_has_a_file_without_debug_information(void **state)
{
    (void)state;
    static const char *const functions[] = {"guilty", "another", ""};
    for (size_t i = 0; i < 3; i++) {
        json_t *finding = make_finding("crash");
        json_object_set_new(finding, "stacks", parse("[{'title': 't', 'frames': [{'function': 'guilty'}]}]"));
        json_object_set_new(finding, "function", json_string(functions[i]));
        json_object_set_new(json_object_get(finding, "plan"), "file", json_string("out/F0123456/plan.yaml"));
        json_t *report = report_with(finding);
        cleanup_free char *text = render("sarif", report);
        json_t *log = json_loads(text, 0, NULL);
        const char *uri, *name;
        int line;
        assert_int_equal(json_unpack(log, "{s:[{s:[{s:[{s:{s:{s:s}, s:{s:i}}, s:[{s:s}]}]}]}]}", "runs",
                                     "results", "locations", "physicalLocation", "artifactLocation", "uri",
                                     &uri, "region", "startLine", &line, "logicalLocations", "name", &name),
                         0);
        assert_string_equal(uri, "out/F0123456/plan.yaml");
        assert_int_equal(line, 1);
        assert_string_equal(name, *functions[i] ? functions[i] : "p.f(x)");
        json_decref(log);
        json_decref(report);
    }
}

static void a_statement_keeps_its_lines(void **state)
{
    (void)state;
    json_t *finding = make_finding("crash");
    json_object_set_new(finding, "statement", json_string("if x:\n    p.f(x)"));
    json_object_set_new(finding, "function", json_null());
    json_object_set_new(finding, "stacks",
                        parse("[{'title': 't', 'frames': [], 'python': [{'function': 'if x:\\n    p.f(x)'}, "
                              "{'function': 'for y in x:\\n    g()'}]}]"));
    json_t *report = report_with(finding);
    cleanup_free char *text = render("text", report), *github = render("github", report);
    assert_says(text, "    in:\n      if x:\n          p.f(x)\n");
    assert_says(text, "      in  for y in x: …\n");
    assert_int_equal(count(text, "p.f(x)"), 1);
    assert_says(github, "## BUG: crash in if x: … (p 1.0) under");
    assert_says(github, "```python\nif x:\n    p.f(x)\n```\n");
    json_decref(report);
}

/* The harness answers malloc for a package: such a stack is not idle. */
static void frames_of_a_package_inside_the_harness_are_shown(void **state)
{
    (void)state;
    static const struct {
        const char *inner, *middle;
        bool shows;
    } rows[] = {
        {"{'function': 'guard_release', 'module': '/b/ftstress-child', 'file': '/s/harness/heap/x.c'}",
         "{'function': 'guilty', 'module': '/v/site-packages/p/m.so'}", true},
        {"{'function': 'guard_release', 'module': '/b/ftstress-child', 'file': '/s/harness/heap/x.c'}",
         "{'function': 'start_thread', 'module': '/lib/libc.so.6'}", false},
        {"{'function': 'futex', 'module': '/lib/libc.so.6'}",
         "{'function': 'barrier_wait', 'module': '/b/ftstress-child', 'file': '/s/harness/child/b.c'}", true},
        {"{'function': 'syscall', 'module': '/lib/libc.so.6'}, {'function': 'kill', 'module': '/b/ftstress-child', "
         "'file': '/s/harness/child/crash.c'}",
         "{'function': 'os_kill', 'module': '/v/lib/libpython3.13t.so'}", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *finding = make_finding("crash");
        json_object_set_new(
            finding, "stacks",
            parse("[{'title': 't', 'tid': 7, 'frames': [%s, %s, {'function': 'worker_main', 'module': "
                  "'/b/ftstress-child', 'file': '/s/harness/child/w.c'}]}]",
                  rows[i].inner, rows[i].middle));
        json_t *report = report_with(finding);
        cleanup_free char *text = render("text", report);
        assert_int_equal(count(text, "between two calls"), !rows[i].shows);
        assert_int_equal(count(text, "#0 "), rows[i].shows);
        assert_no(text, "worker_main");
        assert_int_equal(count(text, "#2  os_kill"), i == 3);
        json_decref(report);
    }
}

static void the_head_has_the_sharing_level_of_the_findings(void **state)
{
    (void)state;
    static const char *const rows[][3] = {{"readonly", "'yes'",
                                           "sharing level all, because the statements change "
                                           "what they share (--share readonly), seed"},
                                          {"one-writer", "'maybe'", "sharing level all, because"},
                                          {"private", "'yes'", "sharing level private, seed"},
                                          {"all", "'yes'", "sharing level all, seed"},
                                          {"readonly", "null", "sharing level readonly, seed"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *report = make_report("clean");
        json_object_set_new(report, "share", json_string(rows[i][0]));
        json_object_set_new(report, "environment", parse("{'python': '3', 'mutates': %s}", rows[i][1]));
        cleanup_free char *text = render("text", report), *html = render("html", report);
        assert_says(text, rows[i][2]);
        assert_says(html, "\"says_share\"");
        json_decref(report);
    }
}

/* Threads 2 and 3 stand where thread 1 stands; thread 4 ran nothing. */
static void threads_with_one_stack_are_merged(void **state)
{
    (void)state;
    static const char *const forms[] = {"text", "github"};
    json_t *finding = make_finding("crash");
    json_object_set_new(
        finding, "stacks",
        parse("[{'title': 'thread 0, which crashed', 'same_as': 0, 'frames': [], 'python': ["
              "{'function': 'f', 'file': '/p/x.py', 'line': 3}, {'function': 'p.f(x)', 'file': null}]},"
              "{'title': 'thread 1', 'same_as': 1, 'frames': [{'function': 'other'}]},"
              "{'title': 'thread 2', 'same_as': 1, 'frames': [{'function': 'other'}]},"
              "{'title': 'thread 3', 'same_as': 1, 'frames': [{'function': 'other'}]},"
              "{'title': 'thread 4', 'same_as': 4, 'frames': [{'function': 'idle'}], 'python': ["
              "{'function': '(between two rounds)', 'file': null}]}]"));
    json_object_set_new(finding, "explanation", parse("['the fault: a write to null']"));
    json_t *report = report_with(finding);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        cleanup_free char *text = render(forms[i], report);
        assert_says(text, "the fault: a write to null");
        assert_says(text, "thread 1; 2 more threads alike");
        assert_says(text, "py  f  x.py:3\n");
        assert_says(text, i == 0 ? "    in: p.f(x)\n" : "in  p.f(x)\n");
        assert_says(text, "1 thread waited for the next round");
        assert_no(text, "thread 2");
        assert_no(text, "idle");
    }
    cleanup_free char *html = render("html", report);
    json_t *page = inlined(html), *first = json_array_get(json_object_get(page, "findings"), 0);
    static const bool folded[] = {false, false, true, true, true};
    for (size_t i = 0; i < 5; i++) {
        json_t *stack = json_array_get(json_object_get(first, "stacks"), i);
        assert_int_equal(document_is_true(stack, "folded"), folded[i]);
    }
    assert_string_equal(document_text(json_array_get(json_object_get(first, "stacks"), 1), "heading"),
                        "thread 1; 2 more threads alike");
    assert_string_equal(document_text(first, "says_idle"), "1 thread waited for the next round");
    json_decref(page);
    json_decref(report);
}

static void github_has_plan_command_and_environment(void **state)
{
    (void)state;
    json_t *report = report_with(make_finding("use-after-free"));
    cleanup_free char *text = render("github", report);
    assert_says(text, "## BUG: use after free in guilty (p 1.0) under free threading\n");
    assert_says(text, "```yaml\nname: p\n```\n");
    assert_says(text, "ftstress run plan.yaml --python");
    assert_says(text, "<details><summary>the access</summary>");
    assert_says(text, "#0  guilty  m.so+0x1f  a b.c:7\n");
    assert_says(text, "- python: 3.13.5 build\n");
    assert_no(text, "_hidden");
    json_decref(report);
}

static void text_reports_the_trials(void **state)
{
    (void)state;
    json_t *report = report_with(make_finding("crash"));
    json_object_set_new(
        report, "verification",
        parse("{'again': {'hit': 9, 'of': 10, 'low': 0.6, 'high': 0.98}, 'gil': null, 'knock_outs':"
              "[{'without': 'p.f', 'trials': {'hit': 0, 'of': 10}}], 'sentence': 'look at p.f'}"));
    cleanup_free char *text = render("text", report);
    assert_says(text, "run again: fails in 9 of 10 fresh children (60 to 98 % at 95 % confidence)\n");
    assert_says(text, "\n  without p.f 0 of 10\n");
    assert_says(text, "look at p.f\n");
    assert_no(text, "GIL on");
    json_decref(report);
}

/* Without the statement that it needs a bug does not show: a report that drops the statement says that the bug does not
 * reproduce. */
static void every_form_names_the_statements_that_trials_leave_out(void **state)
{
    (void)state;
    static const char *const forms[] = {"text", "junit", "github", "html"};
    json_t *report = report_with(make_finding("crash"));
    json_object_set_new(report, "verification",
                        parse("{'finding': 'F0123456', 'left_out': 'q.g(x)',"
                              "'again': {'hit': 0, 'of': 2, 'low': 0, 'high': 0.66}}"));
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        cleanup_free char *text = render(forms[i], report);
        assert_says(text, "F0123456 run again without q.g(x): fails in 0 of 2 fresh children");
        assert_no(text, "\"as it was\"");
    }
    cleanup_free char *page = render("html", report);
    assert_says(page, "\"name\":\"without q.g(x)\"");
    json_decref(report);
}

static void every_form_names_the_members_without_a_turn(void **state)
{
    (void)state;
    static const char *const forms[] = {"text", "junit", "github", "html"};
    json_t *report = make_report("clean");
    json_object_set_new(report, "no_turn", parse("['guard', 'pyheap']"));
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        cleanup_free char *text = render(forms[i], report);
        assert_says(text, "nothing found, but guard, pyheap had no turn");
    }
    json_decref(report);
}

static char *say(void (*print)(const char *text, FILE *out), const char *text)
{
    char *said;
    size_t size;
    FILE *out = open_memstream(&said, &size);
    assert_non_null(out);
    print(text, out);
    fclose(out);
    return said;
}

static void markup_is_exact(void **state)
{
    (void)state;
    static const struct {
        void (*print)(const char *text, FILE *out);
        const char *text, *want;
    } rows[] = {
        {markup_text, "a<b>&\"\n\t", "a&#60;b&#62;&#38;&#34;\n\t"},
        {markup_prose, "a_b _c_ __d *e* [f](g)\nh", "a_b \\_c\\_ \\_\\_d \\*e\\* \\[f\\](g) h"},
        {markup_prose, "@ro #12 <x> &amp; `y`|", "&#64;ro &#35;12 &#60;x&#62; &#38;amp; \\`y\\`\\|"},
        {markup_text, "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_free char *said = say(rows[i].print, rows[i].text);
        assert_string_equal(said, rows[i].want);
    }
}

static void controls_and_characters_outside_xml_are_removed(void **state)
{
    (void)state;
    json_t *dirty = json_pack("{s:[s, s, i], s:{}}", "k\x1b", "a\n\t\r\x07\x7f",
                              "\xc2\x85\xc2\xa0\xef\xbf\xbe\xef\xbf\xbd", 7, "o");
    json_t *clean = document_clean(dirty),
           *want = json_pack("{s:[s, s, i], s:{}}", "k", "a\n\t", "\xc2\xa0\xef\xbf\xbd", 7, "o");
    assert_true(json_equal(clean, want));
    json_decref(dirty);
    json_decref(clean);
    json_decref(want);
}

/* Kept reports. */

static void keep(const char *name, json_t *json)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(fd_make_dirs(path), 0);
    *slash = '/';
    assert_int_equal(json_dump_file(json, path, 0), 0);
    json_decref(json);
}

static json_t *load(const char *what)
{
    char error[512] = "";
    json_t *report = NULL;
    if (report_load(directory, what, &report, error, sizeof error) < 0)
        fail_msg("%s: %s", what ? what : "the last run", error);
    return report;
}

static void assert_cannot_load(const char *out, const char *what, const char *words)
{
    char error[512] = "";
    json_t *report;
    assert_true(report_load(out, what, &report, error, sizeof error) < 0);
    assert_says(error, words);
}

static void kept_reports_are_found(void **state)
{
    (void)state;
    cleanup_free char *folder = NULL, *file = NULL, *whole = NULL;
    assert_true(asprintf(&folder, "%s/F0123456", directory) > 0);
    assert_true(asprintf(&file, "%s/finding.json", folder) > 0);
    assert_true(asprintf(&whole, "%s/report.json", directory) > 0);
    assert_cannot_load(directory, NULL, "begin with `ftstress run`");
    assert_cannot_load(directory, "F0123456", "ftstress list findings");
    json_t *report = report_with(make_finding("crash"));
    json_array_append_new(json_object_get(report, "findings"), make_finding("hang"));
    keep("report.json", report);
    keep("F0123456/finding.json", make_finding("crash"));
    const char *const alone[] = {"F0123456", folder, file}, *const all[] = {NULL, whole, directory};
    for (size_t i = 0; i < 3; i++) {
        json_t *one = load(alone[i]), *run = load(all[i]);
        assert_int_equal(json_array_size(json_object_get(one, "findings")), 1);
        assert_string_equal(document_text(json_object_get(one, "environment"), "gil"), "off");
        assert_int_equal(json_array_size(json_object_get(run, "findings")), 2);
        json_decref(one);
        json_decref(run);
    }
}

/* The environment of the last run says nothing about a finding of another one. */
static void a_finding_of_an_earlier_run_keeps_its_own_environment(void **state)
{
    (void)state;
    json_t *finding = make_finding("hang");
    json_object_set_new(finding, "id", json_string("F0000001"));
    json_object_set_new(finding, "environment", parse("{'gil': 'on'}"));
    keep("F0000001/finding.json", finding);
    finding = make_finding("hang");
    json_object_set_new(finding, "id", json_string("F0000002"));
    keep("F0000002/finding.json", finding);
    json_t *known = load("F0000001"), *unknown = load("F0000002");
    assert_string_equal(document_text(json_object_get(known, "environment"), "gil"), "on");
    assert_string_equal(document_text(json_object_get(unknown, "environment"), "gil"), "");
    assert_all_forms(known);
    assert_all_forms(unknown);
    assert_int_equal(strlen(document_text(unknown, "date")), 19);
    json_decref(known);
    json_decref(unknown);
}

static void a_file_that_may_not_be_read_is_not_missing(void **state)
{
    (void)state;
    cleanup_free char *folder = NULL;
    if (geteuid() != 0)
        skip();
    keep("closed/F0000003/finding.json", make_finding("hang"));
    assert_true(asprintf(&folder, "%s/closed", directory) > 0);
    assert_int_equal(chmod(directory, 0755) | chmod(folder, 0700), 0);
    assert_int_equal(seteuid(65534), 0);
    assert_cannot_load(folder, "F0000003", "finding.json: Permission denied");
    assert_cannot_load(folder, NULL, "report.json: Permission denied");
    assert_int_equal(seteuid(0), 0);
}

static void other_files_are_refused(void **state)
{
    (void)state;
    keep("other.json", parse("{'schema': 'x'}"));
    cleanup_free char *path = NULL;
    assert_true(asprintf(&path, "%s/other.json", directory) > 0);
    assert_cannot_load(directory, path, "is no report of ftstress");
    assert_int_equal(fd_write_file(path, "{\"a\": ", 6), 0);
    assert_cannot_load(directory, path, "cannot read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_in_every_form),
        cmocka_unit_test(empty_and_foreign_reports_are_rendered),
        cmocka_unit_test(hostile_text_stays_text),
        cmocka_unit_test(long_text_stays_utf8),
        cmocka_unit_test(junit_counts),
        cmocka_unit_test(junit_has_the_time_of_the_children_that_saw_it),
        cmocka_unit_test(a_finding_has_its_own_trials),
        cmocka_unit_test(sarif_has_a_file_without_debug_information),
        cmocka_unit_test(a_statement_keeps_its_lines),
        cmocka_unit_test(frames_of_a_package_inside_the_harness_are_shown),
        cmocka_unit_test(the_head_has_the_sharing_level_of_the_findings),
        cmocka_unit_test(sarif_names_rule_place_and_fingerprint),
        cmocka_unit_test(html_inlines_the_document),
        cmocka_unit_test(html_without_scripts_has_the_text),
        cmocka_unit_test(html_has_a_colour_for_every_severity),
        cmocka_unit_test(threads_with_one_stack_are_merged),
        cmocka_unit_test(github_has_plan_command_and_environment),
        cmocka_unit_test(text_reports_the_trials),
        cmocka_unit_test(every_form_names_the_statements_that_trials_leave_out),
        cmocka_unit_test(every_form_names_the_members_without_a_turn),
        cmocka_unit_test(markup_is_exact),
        cmocka_unit_test(controls_and_characters_outside_xml_are_removed),
        cmocka_unit_test(kept_reports_are_found),
        cmocka_unit_test(a_finding_of_an_earlier_run_keeps_its_own_environment),
        cmocka_unit_test(a_file_that_may_not_be_read_is_not_missing),
        cmocka_unit_test(other_files_are_refused),
    };
    return cmocka_run_group_tests_name("reporter", tests, set_up, tear_down);
}
