/* Entries of a baseline that a run did not show. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "driver/baseline/baseline.h"
#include "driver/report/document.h"

#include "driver/report/rendered.h"

/* One entry of the baseline, with keys that replace those of the document. */
static json_t *judge(const char *entry, const char *keys)
{
    json_t *document =
        parse("{'test': 'aa', 'looks': {'crash': {'children': 4, 'threads': 3}}, 'findings': [], 'notes':"
              "['other'], 'known': [{'in_baseline': true, 'hits': 0, 'id': 'F1', 'state': 'known', 'test':"
              "'aa', 'detector': 'crash', 'threads': 'several', 'statement': 'f(x)', 'seen': '9 of 9'}]}");
    json_t *more = parse("%s", keys), *known = parse("%s", entry);
    json_object_update(document, more);
    json_object_update(json_array_get(json_object_get(document, "known"), 0), known);
    json_decref(more);
    json_decref(known);
    baseline_judge(document);
    return document;
}

static void a_finding_is_fixed_only_where_it_was_looked_for(void **state)
{
    static const char *const sweep =
        "{'test': null, 'sweep': {'callables': [{'name': 'm.f', 'looks': {'crash': 1}}]}}";
    static const struct {
        const char *entry, *keys, *now, *words;
    } rows[] = {
        {"{}", "{}", "fixed", "3 children that could show it did not; before, 9 of 9 did"},
        {"{'threads': 'one'}", "{}", "fixed",
         "its call was made with the detector crash, and did not show it"},
        {"{'seen': '1 of 5'}", "{}", "unseen",
         "in the baseline and not seen, which is no proof that it is fixed: F1"},
        {"{'seen': '1 of 5', 'missed': '40'}", "{}", "fixed", "43 children that could show it"},
        {"{'seen': 'often'}", "{}", "unseen", NULL},
        {"{'test': 'bb'}", "{}", "not looked for", "it is of another test"},
        {"{'detector': 'hang'}", "{}", "not looked for",
         "no child with its detector made calls and came to its end"},
        {"{}", "{'findings': [{'statement': 'f(x)'}]}", "not looked for", "another failure may hide it"},
        {"{}", "{'findings': [{'statement': null}]}", "not looked for", "another failure may hide it"},
        {"{}", "{'findings': [{'statement': 'g(x)'}]}", "fixed", NULL},
        {"{'callable': 'm.f'}", "{}", "not looked for", "it is of a sweep"},
        {"{'callable': 'm.f', 'threads': 'one'}", sweep, "fixed", "(m.f: )"},
        {"{'callable': 'm.f'}", sweep, "unseen", NULL},
        {"{'callable': 'm.g'}", sweep, "not looked for", "the sweep does not have its callable"},
        {"{'callable': 'm.f', 'detector': 'hang'}", sweep, "not looked for",
         "its call was not made with its detector"},
        {"{'callable': 'm.f'}",
         "{'sweep': {'callables': [{'name': 'm.f', 'failed': [{}], 'looks': {'crash': 1}}]}}",
         "not looked for", "its callable fails in another way"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *document = judge(rows[i].entry, rows[i].keys);
        char *text = json_dumps(document, 0);
        const json_t *entry = json_array_get(json_object_get(document, "known"), 0);
        if (strcmp(document_text(entry, "now"), rows[i].now) != 0 ||
            (rows[i].words && !strstr(text, rows[i].words)))
            fail_msg("row %zu: %s", i, text);
        free(text);
        json_decref(document);
    }
}

static void a_baseline_keeps_what_it_has(void **state)
{
    char *text;
    json_t *document = judge(
        "{'seen': '1 of 5', 'reason': 'why', 'what': 'a: b'}",
        "{'findings': [{'id': 'F2', 'signature': 's|2', 'message': 'm', 'detector': 'hang', 'statement':"
        "'g()', 'runs': {'hit': 2, 'of': 3}}]}");
    (void)state;
    assert_int_equal(baseline_print(document, &text), 0);
    assert_non_null(
        strstr(text, "# Findings of earlier runs, for --baseline. --update-baseline writes this file again"));
    assert_non_null(strstr(text, "- id: F1\n  state: known\n  what: 'a: b'\n"));
    assert_non_null(strstr(text, "  seen: 1 of 5\n  missed: 3\n  reason: why\n"));
    assert_non_null(strstr(
        text, "- id: F2\n  signature: s|2\n  state: known\n  what: m\n  detector: hang\n  statement: g()\n"
              "  test: aa\n  threads: several\n  seen: 2 of 3\n"));
    free(text);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finding_is_fixed_only_where_it_was_looked_for),
        cmocka_unit_test(a_baseline_keeps_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
