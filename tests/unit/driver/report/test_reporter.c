/* Reporters: every form of every kind of finding, of foreign and hostile reports. */
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
#include "driver/report/markup.h"
#include "driver/report/reporter.h"

#include "rendered.h"

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
    static const char *const rows[][3] = {
        {"readonly", "'yes'",
         "sharing level all, because the statements change "
         "what they share (--share readonly), seed"},
        {"one-writer", "'maybe'",
         "sharing level all, because the statements may change what they share (--share one-writer), seed"},
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
    cleanup_free char *page = render("html", report);
    assert_says(page, "\"name\":\"as it was\"");
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
        if (i == 0)
            assert_says(text, "  guard, pyheap had no turn: give it more --time\n");
    }
    json_decref(report);
}

static void every_form_names_what_was_not_compared(void **state)
{
    (void)state;
    static const char *const forms[] = {"text", "junit", "github", "html", "sarif"};
    json_t *report = make_report("clean");
    json_object_set_new(
        report, "compared",
        parse("[{'statement': 'f(q)', 'results': false, 'reason': 'why', 'exceptions': false, "
              "'exceptions_reason': 'why'}]"));
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        cleanup_free char *text = render(forms[i], report);
        assert_says(text, "f(q): results not compared, exceptions not judged: why");
        if (strcmp(forms[i], "sarif") != 0)
            assert_says(text, "nothing found, but results were not compared, exceptions were not judged");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_in_every_form),
        cmocka_unit_test(empty_and_foreign_reports_are_rendered),
        cmocka_unit_test(hostile_text_stays_text),
        cmocka_unit_test(long_text_stays_utf8),
        cmocka_unit_test(a_finding_has_its_own_trials),
        cmocka_unit_test(a_statement_keeps_its_lines),
        cmocka_unit_test(frames_of_a_package_inside_the_harness_are_shown),
        cmocka_unit_test(the_head_has_the_sharing_level_of_the_findings),
        cmocka_unit_test(text_reports_the_trials),
        cmocka_unit_test(every_form_names_the_statements_that_trials_leave_out),
        cmocka_unit_test(every_form_names_the_members_without_a_turn),
        cmocka_unit_test(every_form_names_what_was_not_compared),
        cmocka_unit_test(markup_is_exact),
        cmocka_unit_test(controls_and_characters_outside_xml_are_removed),
    };
    return cmocka_run_group_tests_name("reporter", tests, NULL, NULL);
}
