/* From the targets of the command line to plans. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/command/target_words.h"

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

static void a_module_is_for_sweep(void **state)
{
    (void)state;
    refuse("scipy.linalg:*", "names a whole module; write `ftstress sweep scipy.linalg`");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callables_become_plans),
        cmocka_unit_test(a_callable_names_its_plan),
        cmocka_unit_test(many_recipes_are_many_inputs),
        cmocka_unit_test(a_wrong_recipe_is_the_users_to_mend),
        cmocka_unit_test(unknown_targets_get_a_sentence),
        cmocka_unit_test(nothing_at_all_gets_a_sentence),
        cmocka_unit_test(a_module_is_for_sweep),
        cmocka_unit_test(a_star_in_an_argument_is_no_sweep),
        cmocka_unit_test(statements_are_one_plan),
        cmocka_unit_test(roles_are_one_plan),
        cmocka_unit_test(a_statement_of_several_lines_has_a_name),
        cmocka_unit_test(a_long_statement_is_cut_between_characters),
        cmocka_unit_test(setup_without_a_statement_runs_nothing),
        cmocka_unit_test(too_many_statements_get_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
