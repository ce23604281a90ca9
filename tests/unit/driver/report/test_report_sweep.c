/* The table of a sweep in the text form. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rendered.h"

static const char table[] =
    "{'name': 'sweep of m', 'verdict': '%s', 'threads': 1, 'seed': 7, 'seconds': 3.0, 'calls': 50, 'findings': [],"
    "'notes': [], 'fuzz': {'corpus': 'c', 'rounds': 3, 'plans': 5, 'kept': 2, 'unread': 0, 'signals': 9}, "
    "'sweep': {'complete': %s, 'children': 4,"
    "'passes': {'first': {'callables': 3, 'reached': 3}, 'failures': {'callables': 1, 'reached': 1},"
    "'forms': {'callables': 3, 'reached': 2}, 'sequences': {'callables': 0, 'reached': 0}, "
    "'threads': {'callables': 2, 'reached': 1}},"
    "'not_imported': [{'name': 'm.sub', 'why': 'ImportError: x'}],"
    "'callables': ["
    "{'name': 'm.f', 'why': null, 'returned': 5, 'raised': 2},"
    "{'name': 'm.g', 'why': null, 'raised': 4, 'raises': 'TypeError: an integer is needed'},"
    "{'name': 'm.h', 'why': null, 'crashed': 1, 'shown': 1, 'out_of_time': 1, 'out_of_memory': 1, "
    "'left_out': 3, 'left_slow': 4,"
    " 'not_made': 2, 'findings': ['F1'], 'failed': [{'call': 'm.h(vec)', 'end': 'crashed'},"
    " {'call': 'm.h(mat)', 'end': 'shown'}, {'call': 'm.h(3)', 'end': 'out_of_time'},"
    " {'call': 'm.h(2)', 'end': 'out_of_memory'}]},"
    "{'name': 'm.i', 'why': 'denied: it starts a process'}, {'name': 'm.j', 'why': null, 'not_made': 0}]}}";

static void the_table_has_every_part(void **state)
{
    (void)state;
    json_t *report = parse(table, "clean", "false");
    cleanup_free char *text = render("text", report);
    assert_says(text, "sweep of m, seed 7\n");
    assert_says(text, "  3 s, 4 children; calls by threads: 50\n");
    assert_says(
        text,
        "calls on one thread: 5 returned, 6 raised, 1 ended their process, 1 failed a check, "
        "1 were out of time, 1 were out of memory, 3 were left out behind failures of the same callable, "
        "4 were left out behind slow calls of the same callable, "
        "2 were not made, because the time was over or for a reason below\n");
    assert_says(text, "  some calls of each, on one thread: 3 of 3 callables\n"
                      "  a call that failed, by itself: 1 of 1 callables\n"
                      "  all their calls, on one thread: 2 of 3 callables\n"
                      "  a call that returned, with several threads: 1 of 2 callables\n"
                      "  the others had no turn there, or not with all calls: nothing is known of these; ");
    assert_no(text, "calls on one object");
    assert_says(text, "        1  the time was over before its turn: m.j\n");
    assert_says(text, "    m.h(vec): ended its process F1\n");
    assert_says(text, "    m.h(mat): failed a check F1\n");
    assert_says(text, "    m.h(3): out of time F1\n");
    assert_says(text, "    m.h(2): out of memory F1\n");
    assert_says(text, "  callables: 5, of which 1 returned a result or None\n  never returned: 4\n");
    assert_says(text, "        1  each call raises, the first one TypeError: m.g\n");
    assert_says(text, "        1  failed; see above: m.h\n");
    assert_says(text, "        1  denied: it starts a process: m.i\n");
    assert_says(text, "  not imported: m.sub: ImportError: x\n");
    assert_says(text, "  corpus: 5 plans in c, of which this run kept 2\n");
    assert_says(text, "  rounds: 3; kinds of results and exceptions: 9\n");
    assert_says(text, "  not complete: the same command goes on from here\n");
    assert_says(text, "  nothing found in the calls that the table counts\n");
    json_decref(report);
}

/* A long list is cut. */
static void long_tables_are_cut(void **state)
{
    (void)state;
    json_t *report = parse(table, "clean", "true"),
           *rows = json_object_get(json_object_get(report, "sweep"), "callables");
    for (int i = 0; i < 50; i++) {
        char why[32];
        snprintf(why, sizeof why, "reason %d", i);
        json_array_append_new(rows, json_pack("{s:s, s:s}", "name", "m.x", "why", why));
        json_array_append_new(rows, json_pack("{s:s, s:n, s:[{s:s, s:s}]}", "name", "m.y", "why", "failed",
                                              "call", "m.y()", "end", "shown"));
    }
    cleanup_free char *text = render("text", report);
    assert_says(text, "    … and 38 more reasons, all in the JSON report\n");
    assert_says(text, "    … and 14 more calls, all in the JSON report\n");
    assert_no(text, "not complete");
    json_decref(report);
}

/* A finding names the other calls that show it, up to 30 of them. */
static void other_calls_are_named(void **state)
{
    (void)state;
    json_t *report = parse(table, "findings", "true"), *others = json_array();
    for (int i = 0; i < 33; i++)
        json_array_append_new(others, json_sprintf("m.f%d(vec)", i));
    json_array_append_new(json_object_get(report, "findings"),
                          json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", "F1", "kind", "crash", "blame",
                                    "target", "message", "Segmentation fault", "statement", "m.h(vec)",
                                    "also_in", others));
    cleanup_free char *text = render("text", report);
    assert_says(text, "    in: m.h(vec)\n    and in: m.f0(vec)\n");
    assert_says(text, "    and in: m.f29(vec)\n    … and in 3 others, see the JSON report\n");
    json_decref(report);
}

/* The last line of a run counts all calls: the lines of the table have all of them. */
static void the_lines_have_all_calls(void **state)
{
    (void)state;
    json_t *report = parse(table, "clean", "true"), *sweep = json_object_get(report, "sweep");
    cleanup_free char *before = render("text", report);
    assert_no(before, "made once more");
    json_object_set_new(report, "serial_calls", json_integer(15 + 4 + 3)); /* 15 are in the table */
    json_object_set_new(sweep, "others", json_pack("[{s:s, s:i}]", "name", "m.other", "raised", 4));
    cleanup_free char *text = render("text", report);
    assert_says(text, "  made once more, to try failures and before threads: 3\n");
    json_decref(report);
}

/* Calls of other shards' callables are counted apart. */
static void others_are_one_line(void **state)
{
    (void)state;
    json_t *report = parse(table, "clean", "true"), *sweep = json_object_get(report, "sweep");
    json_object_set_new(sweep, "others",
                        json_pack("[{s:s, s:i, s:i}]", "name", "m.other", "returned", 8, "raised", 9));
    cleanup_free char *text = render("text", report);
    assert_says(text, "  the same of other shards' callables, beside these: 8 returned, 9 raised\n");
    assert_says(text, "  callables: 5, of which 1 returned a result or None\n");
    assert_no(text, "m.other");
    json_decref(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_every_part), cmocka_unit_test(long_tables_are_cut),
        cmocka_unit_test(other_calls_are_named),    cmocka_unit_test(the_lines_have_all_calls),
        cmocka_unit_test(others_are_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
