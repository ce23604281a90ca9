/* The facts of a child, and their merge into those of the run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "driver/outcome/outcome.h"

static void add(struct outcome *outcome, enum fact_kind kind, int64_t value, const char *text)
{
    struct record record;
    record_begin(&record, RECORD_FACT, RECORD_MAIN);
    record.values[FACT_KIND] = kind;
    record.values[FACT_VALUE] = value;
    record_add_text(&record, text);
    assert_int_equal(outcome_add(outcome, &record), 0);
}

static void facts_are_no_versions(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    struct record version;
    record_begin(&version, RECORD_ENVIRONMENT, RECORD_MAIN);
    record_add_text(&version, "gil=1.0"); /* a package of this name */
    assert_int_equal(outcome_add(&outcome, &version), 0);
    assert_int_equal(outcome.facts.gil, GIL_UNKNOWN);
    add(&outcome, FACT_GIL, 0, "");
    add(&outcome, FACT_CHANGES, CHANGES_SEEN, "");
    add(&outcome, FACT_WRITES, 0, "x, y");
    add(&outcome, (enum fact_kind)99, 1, "");
    assert_int_equal(outcome.facts.gil, GIL_OFF);
    assert_int_equal(outcome.facts.changes, CHANGES_SEEN);
    assert_string_equal(outcome.facts.writes, "x, y");
    assert_string_equal(text_value(outcome.environment, outcome.nenvironment, "gil"), "1.0");
    outcome_clear(&outcome);
}

static void the_first_fact_of_each_kind_stays(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    add(&outcome, FACT_GIL, 1, "");
    facts_merge(&outcome.facts, &(struct facts){.gil = GIL_OFF, .changes = CHANGES_POSSIBLE});
    assert_int_equal(outcome.facts.gil, GIL_ON);
    assert_int_equal(outcome.facts.changes, CHANGES_POSSIBLE);
    assert_null(outcome.facts.writes);
    outcome_clear(&outcome);
}

static void calls_that_were_stepped_add_up(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    facts_merge(&outcome.facts, &(struct facts){.traced_calls = 2, .traced_words = 5});
    facts_merge(&outcome.facts, &(struct facts){.traced_calls = 4, .traced_words = 3});
    assert_int_equal(outcome.facts.traced_calls, 6);
    assert_int_equal(outcome.facts.traced_words, 5);
    outcome_clear(&outcome);
}

static void the_reason_of_a_refusal_is_a_value(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    struct record record;
    record_begin(&record, RECORD_CANNOT, RECORD_MAIN);
    record.values[CANNOT_STATUS] = 3;
    record.values[CANNOT_REASON] = CANNOT_GIL;
    record_add_text(&record, "any sentence");
    assert_int_equal(outcome_add(&outcome, &record), 0);
    assert_int_equal(outcome.cannot_status, 3);
    assert_int_equal(outcome.cannot_reason, CANNOT_GIL);
    outcome_clear(&outcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_no_versions),
        cmocka_unit_test(the_first_fact_of_each_kind_stays),
        cmocka_unit_test(calls_that_were_stepped_add_up),
        cmocka_unit_test(the_reason_of_a_refusal_is_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
