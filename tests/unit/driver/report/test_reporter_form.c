/* Reporters: what JUnit, SARIF, the HTML page and the bug report for GitHub each hold. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "driver/finding/finding.h"
#include "driver/report/document.h"

#include "rendered.h"

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
    assert_says(
        unknown,
        "<error type=\"verdict\" message=\"this ftstress does not know the verdict of the report\"/>");
    json_decref(report);
    report = report_with(make_finding("crash"));
    cleanup_free char *found = render("junit", report);
    assert_says(found, "tests=\"1\" failures=\"1\"");
    assert_says(found, "<testcase name=\"F0123456 crash guilty\"");
    assert_says(found, "<failure type=\"crash\" message=\"wrote 8 bytes\">");
    assert_no(found, "worker_main");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(junit_counts),
        cmocka_unit_test(junit_has_the_time_of_the_children_that_saw_it),
        cmocka_unit_test(sarif_has_a_file_without_debug_information),
        cmocka_unit_test(sarif_names_rule_place_and_fingerprint),
        cmocka_unit_test(html_inlines_the_document),
        cmocka_unit_test(html_without_scripts_has_the_text),
        cmocka_unit_test(html_has_a_colour_for_every_severity),
        cmocka_unit_test(threads_with_one_stack_are_merged),
        cmocka_unit_test(github_has_plan_command_and_environment),
    };
    return cmocka_run_group_tests_name("reporter_form", tests, NULL, NULL);
}
