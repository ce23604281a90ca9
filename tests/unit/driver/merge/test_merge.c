/* Findings of several reports as one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/merge/merge.h"

static json_t *report_of(const char *signature, const char *statement)
{
    return json_pack("{s:[{s:s, s:s, s:s, s:i, s:{s:i, s:i}}], s:[]}", "findings", "id", "F1", "signature",
                     signature, "statement", statement, "count", 2, "runs", "hit", 1, "of", 3,
                     "verifications");
}

/* One signature is one finding, which lists each statement once. */
static void statements_of_a_finding(void **state)
{
    (void)state;
    static const char *const statements[] = {"m.f(x)", "m.g(x)", "m.f(x)", "m.g(x)", "m.h(x)"};
    json_auto_t *findings = json_array(), *verifications = json_array();
    unsigned added = 0;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        json_auto_t *report = report_of("s", statements[i]);
        added += merge_add_findings(report, findings, verifications);
    }
    json_auto_t *expected = json_pack("[s, s]", "m.g(x)", "m.h(x)");
    const json_t *finding = json_array_get(findings, 0);
    assert_int_equal(added, 1);
    assert_int_equal(json_array_size(findings), 1);
    assert_int_equal(json_integer_value(json_object_get(finding, "count")), 10);
    assert_string_equal(json_string_value(json_object_get(finding, "statement")), "m.f(x)");
    assert_true(json_equal(json_object_get(finding, "also_in"), expected));
}

/* A merged report is merged again with its lists. */
static void statements_of_merged_reports(void **state)
{
    (void)state;
    json_auto_t *findings = json_array(), *verifications = json_array();
    json_auto_t *first = report_of("s", "m.f(x)"), *second = report_of("s", "m.g(x)");
    json_object_set_new(json_array_get(json_object_get(second, "findings"), 0), "also_in",
                        json_pack("[s, s]", "m.f(x)", "m.h(x)"));
    merge_add_findings(first, findings, verifications);
    merge_add_findings(second, findings, verifications);
    json_auto_t *expected = json_pack("[s, s]", "m.g(x)", "m.h(x)");
    assert_true(json_equal(json_object_get(json_array_get(findings, 0), "also_in"), expected));
}

/* Another signature is another finding. */
static void other_signatures(void **state)
{
    (void)state;
    json_auto_t *findings = json_array(), *verifications = json_array();
    json_auto_t *first = report_of("s", "m.f(x)"), *second = report_of("t", "m.g(x)");
    merge_add_findings(first, findings, verifications);
    assert_int_equal(merge_add_findings(second, findings, verifications), 1);
    assert_null(json_object_get(json_array_get(findings, 0), "also_in"));
}

/* A report of one shard with one callable. */
static json_t *shard_of(const char *shard, const char *name, const char *end, bool has_reason)
{
    json_t *report =
        json_pack("{s:s, s:s?, s:[], s:[], s:{s:b, s:s, s:[{s:s, s:n, s:i}]}}", "name", "m", "reason",
                  has_reason ? "no call returned" : NULL, "findings", "verifications", "sweep", "complete", 1,
                  "shard", shard, "callables", "name", name, "why", end, 3);
    if (has_reason)
        json_object_set_new(json_object_get(report, "sweep"), "none_returned", json_true());
    return report;
}

static size_t count_untested(json_t *first, json_t *second)
{
    json_auto_t *all = json_object(), *one = first, *other = second;
    merge_add(all, one);
    merge_add(all, other);
    merge_finish(all);
    return json_array_size(json_object_get(all, "untested"));
}

/* A sweep is tested if a call of it returned, in whichever shard. */
static void shards_in_which_no_call_returned(void **state)
{
    (void)state;
    assert_int_equal(
        count_untested(shard_of("1/2", "m.f", "raised", true), shard_of("2/2", "m.g", "returned", false)), 0);
    assert_int_equal(
        count_untested(shard_of("1/2", "m.f", "raised", true), shard_of("2/2", "m.g", "raised", true)), 1);
}

/* What a shard knows of another one's callable is added to its row; without one it stays apart. */
static void callables_of_other_shards(void **state)
{
    (void)state;
    json_auto_t *all = json_object(), *one = shard_of("1/2", "m.f", "returned", false),
                *other = shard_of("2/2", "m.g", "returned", false);
    json_object_set_new(json_object_get(one, "sweep"), "others",
                        json_pack("[{s:s, s:i, s:[s]}, {s:s, s:i}]", "name", "m.g", "returned", 1, "findings",
                                  "F1", "name", "m.h", "returned", 1));
    merge_add(all, one);
    merge_add(all, other);
    merge_finish(all);
    const json_t *sweep = json_object_get(all, "sweep"), *rows = json_object_get(sweep, "callables");
    json_auto_t *expected =
        json_pack("{s:s, s:n, s:i, s:[s]}", "name", "m.g", "why", "returned", 4, "findings", "F1");
    assert_int_equal(json_array_size(rows), 2);
    assert_true(json_equal(json_array_get(rows, 1), expected));
    const json_t *others = json_object_get(sweep, "others");
    assert_int_equal(json_array_size(others), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(others, 0), "name")), "m.h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_of_a_finding), cmocka_unit_test(statements_of_merged_reports),
        cmocka_unit_test(other_signatures), cmocka_unit_test(shards_in_which_no_call_returned),
        cmocka_unit_test(callables_of_other_shards)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
