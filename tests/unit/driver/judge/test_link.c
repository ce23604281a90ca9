/* Links: a finding that explains another one. */
#include "driver/judge/judge_trial.h"

static void one_cause_explains_the_rest(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_exception(&trial, false, false);
    add_write(&trial, guilty, HIDDEN | SERIAL);
    add_invariant(&trial, "x", "its shape became (40,), was (20,)", false);
    add_crash(&trial, SIGABRT, NULL);
    print(&trial, "free(): invalid size\n");
    assert_int_equal(judge(&trial, 1), 4);
    settle(&trial.run);
    struct finding **items = trial.run.findings.items;
    assert_string_equal(items[0]->function, "guilty");
    assert_null(items[0]->cause);
    for (size_t i = 1; i < 4; i++) {
        assert_string_equal(items[i]->cause, items[0]->id);
        assert_string_equal(items[i]->function, "guilty");
        assert_string_equal(items[i]->package, "planted 1.2");
        assert_int_equal(items[i]->blame, BLAME_TARGET);
    }
    end(&trial);
}

static void two_causes_explain_nothing(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN);
    add_write(&trial, accomplice, HIDDEN);
    add_exception(&trial, false, false);
    judge(&trial, 1);
    settle(&trial.run);
    assert_int_equal(trial.run.findings.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_null(trial.run.findings.items[i]->cause);
    end(&trial);
}

static void a_hang_and_a_user_error_have_no_such_cause(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN);
    trial.outcome.hung = true;
    judge(&trial, 1);
    next_outcome(&trial);
    add_invariant(&trial, "y", "its bytes changed", true);
    add_exception(&trial, false, false);
    judge(&trial, 2);
    settle(&trial.run);
    assert_int_equal(trial.run.findings.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_null(trial.run.findings.items[i]->cause);
    end(&trial);
}

static void in_place_functions_are_dropped(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN);
    add_write(&trial, accomplice, HIDDEN);
    judge(&trial, 1);
    next_outcome(&trial);
    add_write(&trial, guilty, KEPT | SERIAL);
    judge(&trial, 2);
    settle(&trial.run);
    assert_string_equal(only(&trial)->function, "accomplice");
    end(&trial);
}

static void linking_nothing_is_fine(void **state)
{
    (void)state;
    struct run run = {0};
    settle(&run);
    assert_int_equal(run.findings.n, 0);
    run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_cause_explains_the_rest),
        cmocka_unit_test(two_causes_explain_nothing),
        cmocka_unit_test(a_hang_and_a_user_error_have_no_such_cause),
        cmocka_unit_test(in_place_functions_are_dropped),
        cmocka_unit_test(linking_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
