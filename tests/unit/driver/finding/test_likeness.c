/* Findings of smaller plans, compared with that of the first plan. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "driver/finding/likeness.h"

static char *steps[] = {(char *)"a = f(x)", (char *)"g(a | 1)", (char *)"h(a)"};
static const struct plan whole = {.steps = steps, .nsteps = 3}, small = {.steps = steps, .nsteps = 1},
                         other = {.steps = steps + 1, .nsteps = 1};

static bool alike(const struct likeness *like, const char *signature, const char *statement,
                  const struct plan *plan)
{
    const struct finding finding = {.signature = (char *)signature, .statement = (char *)statement};
    return likeness_holds(like, &finding, plan);
}

static void a_plan_is_no_part_of_a_failure(void **state)
{
    (void)state;
    struct likeness like;
    assert_int_equal(likeness_init(&like, "heap-corruption||a = f(x)|g(a | 1)|h(a)", "h(a)", &whole), 0);
    assert_true(alike(&like, "heap-corruption||a = f(x)", "a = f(x)", &small));
    assert_true(alike(&like, "heap-corruption||g(a | 1)", NULL, &other));
    assert_false(alike(&like, "crash||a = f(x)", "a = f(x)", &small));
    assert_false(alike(&like, "heap-corruption||f|numpy", "a = f(x)", &small));
    likeness_clear(&like);
}

static void a_statement_is(void **state)
{
    (void)state;
    struct likeness like;
    assert_int_equal(likeness_init(&like, "diverge|a = f(x)|numpy", "a = f(x)", &whole), 0);
    assert_true(alike(&like, "diverge|a = f(x)|numpy", "a = f(x)", &small));
    assert_false(alike(&like, "diverge|g(a | 1)|numpy", "g(a | 1)", &whole));
    like.statement = "g(a | 1)"; /* as the changed plan has it */
    assert_true(alike(&like, "diverge|g(a | 1)|numpy", "g(a | 1)", &other));
    likeness_clear(&like);
}

static void a_function_is(void **state)
{
    (void)state;
    struct likeness like;
    assert_int_equal(likeness_init(&like, "crash|bug|module", "h(a)", &whole), 0);
    assert_true(alike(&like, "crash|bug|module", "a = f(x)", &small));
    assert_false(alike(&like, "crash|beside|module", "a = f(x)", &small));
    likeness_clear(&like);
}

static void a_leak_may_have_its_function_later(void **state)
{
    (void)state;
    struct likeness like;
    struct finding finding = {.signature = (char *)"refcount|never released|x|f|module",
                              .detector = DETECTOR_REFCOUNT};
    assert_int_equal(likeness_init(&like, "refcount|never released|x", "", &whole), 0);
    assert_true(likeness_holds(&like, &finding, &small));
    finding.signature = (char *)"refcount|never released|xs|f|module";
    assert_false(likeness_holds(&like, &finding, &small));
    finding.signature = (char *)"refcount|never released|x|f|module";
    finding.detector = DETECTOR_CRASH;
    assert_false(likeness_holds(&like, &finding, &small));
    likeness_clear(&like);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_plan_is_no_part_of_a_failure),
                                       cmocka_unit_test(a_statement_is), cmocka_unit_test(a_function_is),
                                       cmocka_unit_test(a_leak_may_have_its_function_later)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
