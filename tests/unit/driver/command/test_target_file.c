/* From plan files, scenarios and kept findings to plans. The scenarios are the tree's own, beside this program as
 * beside ftstress. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "driver/command/scenario_list.h"
#include "driver/command/target_words.h"

static char directory[] = "/tmp/ftstress-target-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/case.yaml", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static void a_plan_file_is_read(void **state)
{
    (void)state;
    static const char yaml[] =
        "inputs: [{name: a, recipe: 'f8[20]'}]\nsteps: [a.sum()]\nthreads: 5\nseed: 9\n";
    struct target_list list;
    assert_int_equal(fd_write_file(path, yaml, strlen(yaml)), 0);
    assert_int_equal(RESOLVE(&list, path, "--seed", "3"), 0);
    assert_string_equal(list.plans[0].name, "case");
    assert_int_equal(list.plans[0].threads, 5);
    assert_true(list.plans[0].seed == 3);
    target_list_clear(&list);
}

static void a_bad_plan_file_is_named(void **state)
{
    (void)state;
    assert_int_equal(fd_write_file(path, "steps: [x]\nthraeds: 5\n", 22), 0);
    refuse(path, "thraeds");
    refuse("/no/such/case.yaml", "/no/such/case.yaml");
    refuse("case.yml", "case.yml");
}

static void iterations_alone_lift_a_files_time(void **state)
{
    (void)state;
    static const char yaml[] = "steps: [x = 1]\n";
    struct target_list list;
    assert_int_equal(fd_write_file(path, yaml, strlen(yaml)), 0);
    assert_int_equal(RESOLVE(&list, path, "--iterations", "4"), 0);
    assert_true(list.plans[0].time == 0 && list.plans[0].iterations == 4);
    target_list_clear(&list);
}

static void scenarios_are_found(void **state)
{
    (void)state;
    char **names, *found;
    size_t n;
    assert_int_equal(scenario_list(&names, &n), 0);
    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++) {
        assert_true(i == 0 || strcmp(names[i - 1], names[i]) < 0);
        assert_int_equal(scenario_find(names[i], &found), 0);
        assert_int_equal(access(found, R_OK), 0);
        free(found);
    }
    strings_free(names, n);
    assert_int_equal(scenario_find("no-such-scenario", &found), -ENOENT);
    assert_int_equal(scenario_find("../scenarios/null", &found), -ENOENT);
    assert_int_equal(scenario_find("", &found), -ENOENT);
}

static void every_scenario_resolves(void **state)
{
    (void)state;
    char **names;
    size_t n;
    assert_int_equal(scenario_list(&names, &n), 0);
    for (size_t i = 0; i < n; i++) {
        struct target_list list;
        if (RESOLVE(&list, names[i]) != 0)
            fail_msg("%s: %s", names[i], error);
        assert_true(strlen(list.plans[0].about) > 0);
        target_list_clear(&list);
    }
    strings_free(names, n);
}

static void several_targets_are_several_plans(void **state)
{
    (void)state;
    struct target_list list;
    assert_int_equal(RESOLVE(&list, "null", "numpy:repeat(f8[20], 2)", "somersd", "--time", "3s"), 0);
    assert_int_equal(list.n, 3);
    assert_string_equal(list.plans[0].native, "null");
    assert_string_equal(list.plans[1].name, "numpy.repeat");
    assert_string_equal(list.plans[2].name, "somersd");
    for (size_t i = 0; i < list.n; i++)
        assert_true(list.plans[i].time == 3 * CLOCK_SECOND);
    target_list_clear(&list);
    assert_true(RESOLVE(&list, "null", "nil") < 0);
    assert_sentence("nil");
    target_list_clear(&list);
}

static void a_kept_finding_is_its_plan(void **state)
{
    (void)state;
    static const char plan[] = "steps: [kept(x)]\n", finding[] = "{}";
    char folder[80], files[2][112];
    snprintf(folder, sizeof folder, "%s/F0123456", directory);
    snprintf(files[0], sizeof files[0], "%s/finding.json", folder);
    snprintf(files[1], sizeof files[1], "%s/plan.yaml", folder);
    assert_int_equal(fd_make_dirs(folder), 0);
    assert_int_equal(fd_write_file(files[0], finding, sizeof finding - 1), 0);
    const char *const names[] = {"F0123456", folder, files[0]};
    for (size_t i = 0; i < 3; i++) {
        struct target_list list;
        assert_int_equal(RESOLVE(&list, "--out", directory, names[i]), -EINVAL);
        assert_non_null(strstr(error, "plan.yaml': No such file"));
        target_list_clear(&list);
    }
    assert_int_equal(fd_write_file(files[1], plan, sizeof plan - 1), 0);
    for (size_t i = 0; i < 3; i++) {
        struct target_list list;
        assert_int_equal(RESOLVE(&list, "--out", directory, names[i]), 0);
        assert_string_equal(list.plans[0].steps[0], "kept(x)");
        target_list_clear(&list);
    }
    struct target_list list;
    assert_int_equal(RESOLVE(&list, "--out", directory, "F7777777"), -EINVAL);
    assert_non_null(strstr(error, "nor a kept finding"));
    target_list_clear(&list);
    unlink(files[0]);
    unlink(files[1]);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_file_is_read),
        cmocka_unit_test(a_bad_plan_file_is_named),
        cmocka_unit_test(iterations_alone_lift_a_files_time),
        cmocka_unit_test(scenarios_are_found),
        cmocka_unit_test(every_scenario_resolves),
        cmocka_unit_test(several_targets_are_several_plans),
        cmocka_unit_test(a_kept_finding_is_its_plan),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
