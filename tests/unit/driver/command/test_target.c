/* From the targets of the command line to plans. The scenarios are the tree's own, beside this program as
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
#include "core/plan/option.h"
#include "driver/command/scenario_list.h"
#include "driver/command/target.h"

#define WORDS_MAX 80

static char directory[] = "/tmp/ftstress-target-XXXXXX";
static char path[64];
static char error[1024];

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

static int resolve_words(struct target_list *list, const char *const *words)
{
    static char *line[WORDS_MAX + 2] = {(char *)"run"};
    struct request request;
    int n = 0;
    for (; words[n]; n++)
        line[n + 1] = (char *)words[n];
    line[n + 1] = NULL;
    request_init(&request);
    assert_int_equal(option_parse(OPTION_RUN, n, line + 1, &request, error, sizeof error), 0);
    int result = target_resolve(&request, list, error, sizeof error);
    request_clear(&request);
    return result;
}

#define RESOLVE(list, ...) resolve_words(list, (const char *const[]){__VA_ARGS__, NULL})

/* What one target must become; inputs are recipes, in order. */
struct wanted {
    const char *target, *setup, *step;
    const char *recipes[4];
};

static void assert_plan(const struct plan *plan, const struct wanted *wanted)
{
    unsigned n = 0;
    assert_string_equal(plan->setup, wanted->setup);
    assert_int_equal(plan->nsteps, 1);
    assert_string_equal(plan->steps[0], wanted->step);
    for (; n < 4 && wanted->recipes[n]; n++) {
        char name[16];
        snprintf(name, sizeof name, "a%u", n);
        assert_true(n < plan->ninputs);
        assert_string_equal(plan->inputs[n].name, name);
        assert_string_equal(plan->inputs[n].recipe, wanted->recipes[n]);
    }
    assert_int_equal(plan->ninputs, n);
}

static const struct wanted callables[] = {
    {"numpy:repeat(f8[20], 2)", "import numpy", "numpy.repeat(a0, 2)", {"f8[20]"}},
    {"numpy:repeat(f8[20],2)", "import numpy", "numpy.repeat(a0, 2)", {"f8[20]"}},
    {"numpy:sum( f8[3,4] ,axis=0 )", "import numpy", "numpy.sum(a0, axis=0)", {"f8[3,4]"}},
    {"numpy:sum(a=f8[3], axis=0)", "import numpy", "numpy.sum(a=a0, axis=0)", {"f8[3]"}},
    {"numpy:add(f8[3,4].T, f8[8]~bcast(4,8), out=f8[20]@out)",
     "import numpy",
     "numpy.add(a0, a1, out=a2)",
     {"f8[3,4].T", "f8[8]~bcast(4,8)", "f8[20]@out"}},
    {"numpy:add(>c16[5,1]+8, f8[40,2][::2,0])",
     "import numpy",
     "numpy.add(a0, a1)",
     {">c16[5,1]+8", "f8[40,2][::2,0]"}},
    {"numpy:sum(f8[])", "import numpy", "numpy.sum(a0)", {"f8[]"}},
    {"numpy:zeros((2, [3, (4)]), {'k': 1, 'l': 2})",
     "import numpy",
     "numpy.zeros((2, [3, (4)]), {'k': 1, 'l': 2})",
     {0}},
    {"numpy:array('a, b', \"c, 'd\")", "import numpy", "numpy.array('a, b', \"c, 'd\")", {0}},
    {"numpy:array('it\\'s, (', ']')", "import numpy", "numpy.array('it\\'s, (', ']')", {0}},
    {"numpy:array('f8[20], 2')", "import numpy", "numpy.array('f8[20], 2')", {0}},
    {"numpy:array(dtype='f8')", "import numpy", "numpy.array(dtype='f8')", {0}},
    {"numpy:bool(1 == 2)", "import numpy", "numpy.bool(1 == 2)", {0}},
    {"numpy:geterr", "import numpy", "numpy.geterr()", {0}},
    {"numpy:geterr()", "import numpy", "numpy.geterr()", {0}},
    {"numpy:geterr( )", "import numpy", "numpy.geterr()", {0}},
    {"numpy:sum(f8[2],)", "import numpy", "numpy.sum(a0)", {"f8[2]"}},
    {"numpy:linalg.norm(f8[3,3], axis=0)", "import numpy", "numpy.linalg.norm(a0, axis=0)", {"f8[3,3]"}},
    {"scipy.stats:somersd(i8[20], i8[20])",
     "import scipy.stats",
     "scipy.stats.somersd(a0, a1)",
     {"i8[20]", "i8[20]"}},
    {"_private.mod2:_f(1)", "import _private.mod2", "_private.mod2._f(1)", {0}},
};

static void callables_become_plans(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof callables / sizeof *callables; i++) {
        struct target_list list;
        if (RESOLVE(&list, callables[i].target) != 0)
            fail_msg("%s: %s", callables[i].target, error);
        assert_int_equal(list.n, 1);
        assert_plan(&list.plans[0], &callables[i]);
        target_list_clear(&list);
    }
}

static void a_callable_names_its_plan(void **state)
{
    (void)state;
    struct target_list list;
    assert_int_equal(RESOLVE(&list, "numpy:linalg.norm(f8[3,3], axis=0)"), 0);
    assert_string_equal(list.plans[0].name, "numpy.linalg.norm");
    assert_int_equal(list.plans[0].threads, 8);
    target_list_clear(&list);
}

static void many_recipes_are_many_inputs(void **state)
{
    (void)state;
    char text[1024] = "numpy:stack(";
    struct target_list list;
    for (int i = 0; i < PLAN_INPUTS_MAX; i++)
        strcat(text, i ? ", f8[2]" : "f8[2]");
    char *end = text + strlen(text);
    strcpy(end, ")");
    assert_int_equal(RESOLVE(&list, text), 0);
    assert_int_equal(list.plans[0].ninputs, PLAN_INPUTS_MAX);
    target_list_clear(&list);
    strcpy(end, ", f8[2])");
    assert_true(RESOLVE(&list, text) < 0);
    assert_non_null(strstr(error, "too many"));
    target_list_clear(&list);
}

static void assert_sentence(const char *word)
{
    assert_true(strlen(error) > 10);
    assert_null(strpbrk(error, "\r\n"));
    if (!strstr(error, word))
        fail_msg("\"%s\" does not say '%s'", error, word);
}

static void refuse(const char *target, const char *word)
{
    struct target_list list;
    int result = RESOLVE(&list, target);
    if (result >= 0)
        fail_msg("%s is taken", target);
    assert_sentence(word);
    target_list_clear(&list);
}

static void a_wrong_recipe_is_the_users_to_mend(void **state)
{
    (void)state;
    refuse("numpy:sum(f8[20)", "f8[20");
    refuse("numpy:sum(f8[x])", "f8[x]");
    refuse("numpy:sum(f7[3])", "f7[3]");
    refuse("numpy:sum(a=f8[3]@rw)", "f8[3]@rw");
    refuse("numpy:sum(f8[3]~bcast(4,5))", "bcast");
}

static void unknown_targets_get_a_sentence(void **state)
{
    (void)state;
    static const char *const unknown[] = {
        "no-such-scenario",
        "numpy.repeat(x, 2)",
        "numpy:",
        ":repeat",
        "numpy:repeat(f8[20], 2",
        "2numpy:repeat()",
        "numpy:a b()",
        "numpy::x()",
        "numpy:.x()",
        "numpy.:x()",
        "../scenarios/null",
        "a = 1",
        "numpy:x.()",
        "",
    };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        refuse(unknown[i], unknown[i]);
}

static void nothing_at_all_gets_a_sentence(void **state)
{
    (void)state;
    struct target_list list;
    assert_int_equal(RESOLVE(&list, "-q"), -EINVAL);
    assert_sentence("say what to run");
    assert_int_equal(list.n, 0);
    target_list_clear(&list);
}

/* Statements. */

static void statements_are_one_plan(void **state)
{
    (void)state;
    struct target_list list;
    assert_int_equal(RESOLVE(&list, "-s", "import numpy as np", "--thread-setup", "n = 1", "-i", "x=f8[20]",
                             "b = np.repeat(x, 2)", "b.sum()", "-t", "3"),
                     0);
    const struct plan *plan = &list.plans[0];
    assert_int_equal(list.n, 1);
    assert_string_equal(plan->name, "b = np.repeat(x, 2)");
    assert_string_equal(plan->setup, "import numpy as np");
    assert_string_equal(plan->thread_setup, "n = 1");
    assert_string_equal(plan->inputs[0].name, "x");
    assert_int_equal(plan->nsteps, 2);
    assert_string_equal(plan->steps[1], "b.sum()");
    assert_int_equal(plan->threads, 3);
    target_list_clear(&list);
}

static void roles_are_one_plan(void **state)
{
    (void)state;
    struct target_list list;
    assert_int_equal(RESOLVE(&list, "--role", "x = 1", "--role", "y = 2"), 0);
    assert_int_equal(list.plans[0].nroles, 2);
    assert_string_equal(list.plans[0].name, "x = 1");
    target_list_clear(&list);
    assert_true(RESOLVE(&list, "--role", "x = 1", "y = 2") < 0);
    assert_sentence("roles");
    target_list_clear(&list);
}

static void a_statement_of_several_lines_has_a_name(void **state)
{
    (void)state;
    struct target_list list;
    if (RESOLVE(&list, "-s", "", "\nfor i in range(3):\n    f(i)") != 0)
        fail_msg("%s", error);
    assert_string_equal(list.plans[0].name, "for i in range(3):");
    assert_string_equal(list.plans[0].steps[0], "\nfor i in range(3):\n    f(i)");
    target_list_clear(&list);
}

/* The name is cut; what is left must be text, or the plan cannot be printed for the child. */
static void a_long_statement_is_cut_between_characters(void **state)
{
    (void)state;
    for (size_t lead = 0; lead < 3; lead++) {
        char statement[160] = "", *text = NULL;
        struct target_list list;
        memset(statement, 'x', lead);
        for (int i = 0; i < 40; i++)
            strcat(statement, "\xe6\x97\xa5");
        assert_int_equal(RESOLVE(&list, "-s", "", statement), 0);
        assert_int_equal(plan_print(&list.plans[0], &text), 0);
        assert_true(strlen(list.plans[0].name) <= 60);
        free(text);
        target_list_clear(&list);
    }
}

static void setup_without_a_statement_runs_nothing(void **state)
{
    (void)state;
    struct target_list list;
    assert_int_equal(RESOLVE(&list, "-s", "import numpy"), -EINVAL);
    assert_sentence("nothing to run");
    target_list_clear(&list);
}

static void too_many_statements_get_a_sentence(void **state)
{
    (void)state;
    const char *words[PLAN_STEPS_MAX + 4] = {"-s", ""};
    struct target_list list;
    for (int i = 0; i <= PLAN_STEPS_MAX; i++)
        words[2 + i] = "x = 1";
    assert_true(resolve_words(&list, words) < 0);
    assert_sentence("too many");
    target_list_clear(&list);
}

/* Plan files and scenarios. */

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

static void a_module_is_swept(void **state)
{
    (void)state;
    struct target_list list;
    assert_int_equal(RESOLVE(&list, "scipy.linalg:*"), 0);
    assert_string_equal(list.plans[0].name, "sweep of scipy.linalg");
    assert_memory_equal(list.plans[0].setup, "MODULE = 'scipy.linalg'\n", 24);
    assert_int_equal(list.plans[0].threads, 1);
    target_list_clear(&list);
}

/* ":*" inside a call is Python. */
static void a_star_in_an_argument_is_no_sweep(void **state)
{
    (void)state;
    struct target_list list;
    assert_int_equal(RESOLVE(&list, "numpy:array({1:2, 'a':'b:*'})"), 0);
    assert_string_equal(list.plans[0].name, "numpy.array");
    target_list_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callables_become_plans),
        cmocka_unit_test(a_callable_names_its_plan),
        cmocka_unit_test(many_recipes_are_many_inputs),
        cmocka_unit_test(a_wrong_recipe_is_the_users_to_mend),
        cmocka_unit_test(unknown_targets_get_a_sentence),
        cmocka_unit_test(nothing_at_all_gets_a_sentence),
        cmocka_unit_test(statements_are_one_plan),
        cmocka_unit_test(roles_are_one_plan),
        cmocka_unit_test(a_statement_of_several_lines_has_a_name),
        cmocka_unit_test(a_long_statement_is_cut_between_characters),
        cmocka_unit_test(setup_without_a_statement_runs_nothing),
        cmocka_unit_test(too_many_statements_get_a_sentence),
        cmocka_unit_test(a_plan_file_is_read),
        cmocka_unit_test(a_bad_plan_file_is_named),
        cmocka_unit_test(iterations_alone_lift_a_files_time),
        cmocka_unit_test(scenarios_are_found),
        cmocka_unit_test(every_scenario_resolves),
        cmocka_unit_test(several_targets_are_several_plans),
        cmocka_unit_test(a_kept_finding_is_its_plan),
        cmocka_unit_test(a_module_is_swept),
        cmocka_unit_test(a_star_in_an_argument_is_no_sweep),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
