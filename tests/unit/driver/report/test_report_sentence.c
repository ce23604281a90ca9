/* Sentences of the forms: each from the keys of the document that it rests on. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/fd.h"
#include "driver/report/document.h"

#include "rendered.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Renders the text form with all that it has. */
static char *render_all(json_t *report)
{
    char *text;
    const struct report all = {.document = report, .verbose = true, .whole = true};
    assert_int_equal(reporter_render(reporter_find("text"), &all, &text), 0);
    json_decref(report);
    return text;
}

/* Renders a finding of this kind with these keys. */
static char *render_finding(const char *form, const char *kind, const char *keys)
{
    json_t *finding = make_finding(kind), *more = parse("%s", keys);
    json_object_update(finding, more);
    json_t *report = report_with(finding);
    char *text = render(form, report);
    json_decref(more);
    json_decref(report);
    return text;
}

static char *render_run(const char *form, const char *verdict, const char *keys)
{
    json_t *report = make_report(verdict), *more = parse("%s", keys);
    json_object_update(report, more);
    char *text = render(form, report);
    json_decref(more);
    json_decref(report);
    return text;
}

static void the_blame_is_that_of_the_finding(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *words;
    } rows[] = {
        {"{'blame': 'target'}", "blame: most likely the target's: the block is of guilty in p 1.0\n"},
        {"{'blame': 'target', 'function': null, 'package': null}",
         "blame: most likely the target's: the block is of an unknown package\n"},
        {"{'blame': 'target', 'block': {'trapped': true}}", "blame: the target's fault: guilty in p 1.0\n"},
        {"{'blame': 'target', 'cause': 'F7'}",
         "blame: the target's fault: guilty in p 1.0 (a consequence of F7)\n"},
        {"{'blame': 'interpreter', 'package': 'CPython 3.13.5'}",
         "blame: the interpreter's fault: guilty in CPython 3.13.5\n"},
        {"{'blame': 'unknown', 'package': null}", "blame: not known from this evidence alone: guilty\n"},
        {"{'blame': 'user'}", "blame: user error: the statements change an array while others use it, which "
                              "NumPy documents as unsafe\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_free char *text = render_finding("text", "heap-corruption", rows[i].keys);
        assert_says(text, rows[i].words);
    }
}

static void the_whole_text_has_reason_plan_and_log(void **state)
{
    (void)state;
    json_t *finding = make_finding("crash");
    json_object_set_new(finding, "blame_reason", json_string("it was caught"));
    json_object_set_new(finding, "detector", json_string("guard"));
    cleanup_free char *text = render_all(report_with(finding));
    assert_says(text, "\n    because: it was caught\n    seen 3 times");
    assert_says(text, "    severity crash, detector guard, signature sig|guilty\n    plan:\n      name: p\n"
                      "    standard error:\n      free(): invalid\n");
}

static void sightings_are_counted(void **state)
{
    (void)state;
    cleanup_free char *threads = render_finding("text", "crash", "{}");
    assert_says(threads, "    seen 3 times, in 1 of 4 children, 8 threads, sharing level readonly\n");
    cleanup_free char *serial = render_finding("text", "crash", "{'serial': true, 'count': 1}");
    assert_says(serial, "    seen 1 time, in 1 of 4 children; calls from one thread are enough to see it\n");
    cleanup_free char *behind = render_finding("github", "crash", "{'behind': 'F7'}");
    assert_says(behind, "- **Seen** only when the statement of F7 was left out\n");
}

static void github_names_the_sharing_level(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{'rung': 'private'}", "- **Sharing:** The threads share no inputs.\n"},
        {"{'rung': 'readonly'}", "- **Sharing:** The threads share their inputs and only read them.\n"},
        {"{'rung': 'one-writer'}",
         "- **Sharing:** The threads share their inputs, and one of them writes to them.\n"},
        {"{'rung': 'all'}", "- **Sharing:** All threads write to inputs that they share.\n"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_free char *text = render_finding("github", "crash", rows[i][0]);
        assert_says(text, rows[i][1]);
    }
    cleanup_free char *serial = render_finding("github", "crash", "{'rung': 'readonly', 'serial': true}");
    assert_no(serial, "**Sharing:**");
}

static void github_has_every_part_of_a_bug_report(void **state)
{
    (void)state;
    json_t *report = report_with(make_finding("crash"));
    json_object_set_new(report, "environment", parse("{'python': '3.13.5', 'abi': '3.13t'}"));
    cleanup_free char *text = render("github", report);
    static const char *const parts[] = {
        "### Summary\n\nftstress reports: wrote 8 bytes\n",
        "\nThe statement that ran:\n\n```python\np.f(x)\n",
        "### Reproducer\n\nSave this plan as `plan.yaml`:\n",
        "\nand run it with a CPython 3.13t that has the packages below; exit status 1 means that it was seen again:",
        "\nThe seed fixes the inputs, but the kernel schedules the threads: it may take a few runs.\n",
        "<summary>the end of standard error</summary>\n\n```text\nfree(): invalid\n",
        "### Signature\n\nTo look for duplicates, search the tracker for:\n\n```text\nguilty\na b.c\n",
        "crash free-threading\n```\n\nThe signature of ftstress:\n\n```text\nsig|guilty\n"};
    for (size_t i = 0; i < COUNT(parts); i++)
        assert_says(text, parts[i]);
    json_decref(report);
    cleanup_free char *least = render_finding("github", "crash", "{'statement': null, 'evidence': null}");
    assert_says(least, "\nand run it; exit status 1");
    assert_no(least, "The statement that ran");
    assert_no(least, "the end of standard error");
}

static void github_lists_several_findings(void **state)
{
    (void)state;
    json_t *report = report_with(make_finding("crash")), *other = make_finding("hang");
    json_object_set_new(other, "cause", json_string("F0123456"));
    json_array_append_new(json_object_get(report, "findings"), other);
    cleanup_free char *text = render("github", report);
    assert_says(
        text,
        "ftstress: somersd\n\n2 findings. Repair a cause before its consequences. `ftstress report ID --as "
        "github` writes one alone, with a script.\n"
        "\n- [ ] [F0123456](#F0123456) crash in guilty (p 1.0), in 1 of 4 children\n"
        "- [ ] [F0123456](#F0123456) hang in guilty (p 1.0), in 1 of 4 children; a consequence of F0123456\n"
        "\n---\n\n<a name=\"F0123456\"></a>\n\n## BUG: crash");
    json_decref(report);
}

/* `report FINDING` adds them to the document. */
static void github_has_what_a_run_can_make(void **state)
{
    (void)state;
    cleanup_free char *text = render_finding(
        "github", "crash",
        "{'script': {'text': 'import p', 'why': '', 'hit': 1, 'of': 5, 'rare': true}, 'runtime': '>>> x',"
        "'versions': [{'package': 'p', 'version': '1.1', 'says': 'fails in 3 of 3'}]}");
    static const char *const parts[] = {
        "It failed in 1 of 5 runs here. Exit status 1, or an end by a signal: it fails.\n\nThat is less than half as ",
        "often as the plan for ftstress, which is below, too.\n\n```python\nimport p\n```\n",
        "<details><summary>the plan for ftstress</summary>\n\nSave this plan",
        "### Versions tried\n\n| version | result |\n| --- | --- |\n| p 1.1 | fails in 3 of 3 |\n",
        "<details><summary>the runtime</summary>\n\n```text\n>>> x\n```\n"};
    for (size_t i = 0; i < COUNT(parts); i++)
        assert_says(text, parts[i]);
    cleanup_free char *none = render_finding("github", "crash", "{'script': {'why': 'it cannot be'}}");
    assert_says(none, "### Reproducer\n\nThere is no script: it cannot be.\n\nSave this plan");
    json_t *report = report_with(make_finding("crash"));
    json_object_set_new(
        report, "verification",
        parse("{'again': {'hit': 3, 'of': 4, 'low': 0.3, 'high': 0.95}, 'gil': {'hit': 0, 'of': 3},"
              "'rule': 'a rule', 'rung': 'readonly', 'sentence': 'look at f'}"));
    cleanup_free char *controls = render("github", report);
    assert_says(
        controls,
        "### Controls\n\nrun again: fails in 3 of 4 fresh children (30 to 95 % at 95 % confidence)\n\n"
        "| variant | failed |\n| --- | --- |\n| as it was | 3 of 4 |\n| with the GIL on | 0 of 3 |\n"
        "\nreadonly: a rule\n\nlook at f\n");
    json_decref(report);
}

static void a_run_without_findings_has_its_reason_or_its_rate(void **state)
{
    (void)state;
    cleanup_free char *untested = render_run("github", "untested", "{'reason': 'the GIL is on'}");
    assert_says(untested, "ftstress: somersd\n\nCould not test: the GIL is on\n");
    cleanup_free char *clean = render_run("github", "clean", "{'rate_below': 0.01, 'tested_calls': 90}");
    assert_says(clean,
                "ftstress reports: nothing found: 0 in 90 calls, overlap 50 %, the rate is below 1 % at "
                "95 % confidence\n");
    cleanup_free char *junit = render_run("junit", "untested", "{}");
    assert_says(junit, "<skipped message=\"it could not be tested\"/>");
}

static void what_was_not_looked_at_has_its_reason(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{'statement': 'f(q)', 'results': false, 'reason': 'a', 'exceptions': true}",
         "  f(q): results not compared: a\n"},
        {"{'statement': 'f(q)', 'results': true, 'exceptions': false, 'exceptions_reason': 'b'}",
         "  f(q): exceptions not judged: b\n"},
        {"{'statement': 'f(q)', 'results': false, 'reason': 'a', 'exceptions': false, 'exceptions_reason': 'a'}",
         "  f(q): results not compared, exceptions not judged: a\n"},
        {"{'statement': 'f(q)', 'results': false, 'reason': 'a', 'exceptions': false, 'exceptions_reason': 'b'}",
         "  f(q): results not compared: a; exceptions not judged: b\n"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *report = make_report("clean");
        json_object_set_new(report, "compared", parse("[%s]", rows[i][0]));
        cleanup_free char *text = render("text", report);
        assert_says(text, rows[i][1]);
        json_decref(report);
    }
}

static void user_errors_alone_leave_a_run_clean(void **state)
{
    (void)state;
    json_t *report = report_with(make_finding("crash"));
    static const char words[] = "  nothing but documented user errors: exit status 0 (--strict: 1)\n";
    cleanup_free char *strict = render("text", report);
    assert_no(strict, words);
    json_object_set_new(report, "verdict", json_string("clean"));
    cleanup_free char *clean = render("text", report);
    assert_says(clean, words);
    assert_no(clean, "more notes");
    json_decref(report);
}

static void sarif_has_a_sentence_for_every_kind(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"heap-corruption",
         "Memory outside of a block was read or written, or the allocator's own data is broken."},
        {"use-after-free", "A block was read or written after it was freed."},
        {"double-free", "A block was freed twice, or freed in a way that does not fit how it was made."},
        {"crash", "A child died of a signal or ended early."},
        {"hang",
         "Threads made no progress: a deadlock, a lost wake-up, an endless loop, or code that blocks."},
        {"input-mutated", "A call wrote to an input that it should only read."},
        {"wrong-result",
         "A result is not that of one call alone, does not fit its buffer, or rests on values that "
         "were never set."},
        {"exception", "Calls on several threads raised what one call alone does not raise."},
        {"refcount-underflow", "A reference count fell below what its holders account for."},
        {"reference-leak", "References were taken and never given back."},
        {"memory-growth", "Memory grows with the number of calls."},
        {"shutdown-leak", "Memory or threads were left behind when the interpreter ended."},
        {"data-race", "Two threads used the same memory without order, and one of them wrote."},
        {"interpreter-fault", "The interpreter ended the process with a fatal error."}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        cleanup_free char *text = render_finding("sarif", rows[i][0], "{}");
        assert_says(text, rows[i][1]);
    }
}

static void what_the_text_leaves_out_is_counted(void **state)
{
    (void)state;
    json_t *report = make_report("clean"), *finding = make_finding("crash"), *all = json_array();
    for (int i = 0; i < 12; i++)
        json_array_append_new(
            all, parse("{'title': 'thread %d', 'tid': %d, 'frames': [{'function': 'f%d'}]}", i, i + 1, i));
    json_object_set_new(finding, "stacks", all);
    json_array_append_new(json_object_get(report, "findings"), finding);
    for (int i = 0; i < 20; i++)
        json_array_append_new(json_object_get(report, "notes"), json_sprintf("note %d", i));
    cleanup_free char *text = render("text", report);
    assert_says(text, "    … 2 more stacks, all in the JSON report\n");
    assert_says(text, "  … and 13 more notes, all in the JSON report\n");
    json_decref(report);
}

static void pairs_that_never_met_are_named(void **state)
{
    (void)state;
    cleanup_free char *text =
        render_run("text", "clean",
                   "{'pairs': [{'a': 'f()', 'b': 'g()', 'looks': 500, 'together': 0, 'least': 400},"
                   "{'a': 'f()', 'b': 'h()', 'looks': 500, 'together': 3, 'least': 400},"
                   "{'a': 'g()', 'b': 'h()', 'looks': 2, 'together': 0, 'least': 1}]}");
    assert_says(text, "  never in flight together: f() | g() (500 looks)\n");
    assert_int_equal(count(text, "never in flight"), 1);
    json_t *report = make_report("clean");
    json_object_set_new(report, "pairs", parse("[{'a': 'f()', 'b': 'g()', 'looks': 500, 'together': 5}]"));
    cleanup_free char *all = render_all(report);
    assert_says(all, "  in flight together: f() | g(): 1 threads in 100 looks (500)\n");
}

static void controls_are_named(void **state)
{
    (void)state;
    cleanup_free char *text = render_run(
        "text", "finding",
        "{'verification': {'again': {'hit': 4, 'of': 4}, 'ladder': {'all': {'hit': 1, 'of': 9},"
        "'one-writer': {'hit': 2, 'of': 9}, 'readonly': {'hit': 3, 'of': 9}, 'private': {'hit': 4, 'of': 9}},"
        "'gil': {'hit': 5, 'of': 9}, 'one_thread': {'hit': 6, 'of': 9}, 'no_package': {'hit': 7, 'of': 9}}}");
    assert_says(
        text,
        "  with all writing 1 of 9, with one writer 2 of 9, with inputs that are only read 3 of 9, with "
        "private inputs 4 of 9, with the GIL on 5 of 9, on one thread 6 of 9, without any package 7 "
        "of 9\n");
}

static void memcheck_sums_have_their_rates(void **state)
{
    (void)state;
    cleanup_free char *text = render_run(
        "text", "clean",
        "{'memcheck': {'has_new': true, 'lengths': [{'calls': 10, 'new': 4}, {'calls': 20, 'new': 8}],"
        "'each_call': {'definitely': {'bytes': 64.0, 'blocks': 1.0}},"
        "'each_new_call': {'definitely': {'bytes': 32.0, 'blocks': 0.5}}}}");
    assert_says(text, "10 calls, 4 new");
    assert_says(text, "in each call");
    assert_says(text, "in each new call\n");
    assert_says(text, "64.0 B in 1.00");
    assert_says(text, "32.0 B in 0.50\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_blame_is_that_of_the_finding),
        cmocka_unit_test(the_whole_text_has_reason_plan_and_log),
        cmocka_unit_test(sightings_are_counted),
        cmocka_unit_test(github_names_the_sharing_level),
        cmocka_unit_test(github_has_every_part_of_a_bug_report),
        cmocka_unit_test(github_lists_several_findings),
        cmocka_unit_test(github_has_what_a_run_can_make),
        cmocka_unit_test(a_run_without_findings_has_its_reason_or_its_rate),
        cmocka_unit_test(what_was_not_looked_at_has_its_reason),
        cmocka_unit_test(user_errors_alone_leave_a_run_clean),
        cmocka_unit_test(sarif_has_a_sentence_for_every_kind),
        cmocka_unit_test(what_the_text_leaves_out_is_counted),
        cmocka_unit_test(pairs_that_never_met_are_named),
        cmocka_unit_test(controls_are_named),
        cmocka_unit_test(memcheck_sums_have_their_rates),
    };
    return cmocka_run_group_tests_name("report_sentence", tests, NULL, NULL);
}
