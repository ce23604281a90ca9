/* A child without faults, and its notes. */
#include "driver/evidence/judge_base.h"
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

/* CPython's library has extension modules, too, which are no package; a name that only begins alike is another one. */
static void a_path_has_a_package_where_a_package_owns_its_module(void **state)
{
    (void)state;
    struct trial trial;
    const struct judge judge = {.run = &trial.run, .plan = &trial.plan, .outcome = &trial.outcome};
    begin(&trial);
    add_text(&trial, RECORD_PACKAGE, "/v/lib/python3.13t/lib-dynload/_json.so", "_json");
    cleanup_free char *package = judge_package_of(&judge, "planted.sub.Type");
    assert_non_null(package);
    assert_string_equal(package, "planted 1.2");
    assert_null(judge_package_of(&judge, "_json.Scanner"));
    assert_null(judge_package_of(&judge, "plant.Type"));
    assert_null(judge_package_of(&judge, "planted2.Type"));
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_child_shows_nothing),
        cmocka_unit_test(notes_are_passed_on),
        cmocka_unit_test(a_path_has_a_package_where_a_package_owns_its_module),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
