/* Which calls of a plan a finding needs, as its trials show it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/fuzz/fuzz_need.h"

/* A report of one finding, which fails in `hit` of `of` trials of the whole plan. */
static json_t *report_with(int hit, int of, json_t *knock_outs)
{
    return json_pack("{s:[{s:s, s:i}], s:[{s:{s:i, s:i}, s:n, s:o}]}", "findings", "id", "F1234567", "trials",
                     0, "verifications", "again", "hit", hit, "of", of, "left_out", "knock_outs", knock_outs);
}

static json_t *without(const char *name, int hit, int of)
{
    return of ? json_pack("{s:s, s:{s:i, s:i}}", "without", name, "trials", "hit", hit, "of", of)
              : json_pack("{s:s, s:n}", "without", name, "trials");
}

static enum need first(const json_t *report, const char *statement)
{
    return need_of(report, json_array_get(json_object_get(report, "findings"), 0), statement);
}

static void trials_without_a_call_decide(void **state)
{
    (void)state;
    json_t *outs = json_array();
    json_array_append_new(outs, without("m.load", 0, 3));
    json_array_append_new(outs, without("m.calm", 1, 1));
    json_array_append_new(outs, without("m.late", 0, 0));
    json_t *report = report_with(3, 3, outs);
    assert_int_equal(first(report, "m.load(vec)"), NEED_CALL);
    assert_int_equal(first(report, "m.calm(vec)"), NEED_NONE);
    assert_int_equal(first(report, "m.late(vec)"), NEED_UNKNOWN); /* no time was left */
    assert_int_equal(first(report, "m.loads(vec)"), NEED_UNKNOWN);
    assert_false(need_is_none(report, "m.load(vec)"));
    assert_true(need_is_none(report, "m.calm(vec)"));
    json_decref(report);
}

/* A plan that fails in every third trial may pass three of them by chance. */
static void few_trials_show_nothing(void **state)
{
    (void)state;
    json_t *report = report_with(3, 9, json_pack("[o]", without("m.load", 0, 3)));
    assert_int_equal(first(report, "m.load(vec)"), NEED_UNKNOWN);
    json_decref(report);
    report = report_with(3, 9, json_pack("[o]", without("m.load", 0, 9)));
    assert_int_equal(first(report, "m.load(vec)"), NEED_CALL);
    json_decref(report);
}

/* A method is called on the object that the plan makes; where the call is not certain, trials name the statement. */
static void methods_and_statements_are_known(void **state)
{
    (void)state;
    json_t *report = report_with(
        3, 3, json_pack("[o, o]", without("object_m_Ring.fill", 0, 3), without("m.f(m.g(vec))", 1, 2)));
    assert_int_equal(first(report, "object_m_Ring.fill(vec)"), NEED_CALL);
    assert_int_equal(first(report, "m.f(m.g(vec))"), NEED_NONE);
    json_decref(report);
}

/* Trials of a finding leave out the statement of another one, and fail: the finding needs no call of it. */
static void calls_of_other_findings_are_not_needed(void **state)
{
    (void)state;
    json_t *report = report_with(3, 3, json_array());
    json_t *verification = json_array_get(json_object_get(report, "verifications"), 0);
    json_object_set_new(verification, "left_out", json_string("m.f(a); m.g(a)"));
    assert_int_equal(first(report, "m.g(a)"), NEED_NONE);
    assert_int_equal(first(report, "m.f(a)"), NEED_NONE);
    assert_int_equal(first(report, "g(a)"), NEED_UNKNOWN);
    json_object_set_new(json_object_get(verification, "again"), "hit", json_integer(0));
    assert_int_equal(first(report, "m.g(a)"), NEED_UNKNOWN);
    json_decref(report);
}

static void findings_without_trials_show_nothing(void **state)
{
    (void)state;
    json_t *report = report_with(3, 3, json_pack("[o]", without("m.load", 0, 3)));
    json_t *finding = json_array_get(json_object_get(report, "findings"), 0);
    json_object_set_new(finding, "trials", json_null());
    assert_int_equal(first(report, "m.load(vec)"), NEED_UNKNOWN);
    json_decref(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trials_without_a_call_decide),
        cmocka_unit_test(few_trials_show_nothing),
        cmocka_unit_test(methods_and_statements_are_known),
        cmocka_unit_test(calls_of_other_findings_are_not_needed),
        cmocka_unit_test(findings_without_trials_show_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
