/* A child without faults, and its notes. */
#include "driver/judge/judge_trial.h"

static void a_clean_child_shows_nothing(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    print(&trial, "RuntimeWarning: divide by zero\n");
    assert_silent(&trial);
    assert_int_equal(trial.run.notes.n, 0);
    end(&trial);
}

static void notes_are_passed_on(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_text(&trial, RECORD_NOTE, "perf is forbidden: 100%", NULL);
    add_text(&trial, RECORD_NOTE, "perf is forbidden: 100%", NULL);
    assert_silent(&trial);
    assert_int_equal(trial.run.notes.n, 1);
    assert_string_equal(trial.run.notes.items[0], "perf is forbidden: 100%");
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_child_shows_nothing),
        cmocka_unit_test(notes_are_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
