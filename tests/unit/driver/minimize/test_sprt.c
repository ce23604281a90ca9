/* The sequential test, on simulated failures. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/prng.h"
#include "driver/minimize/sprt.h"

#define CHILD 2.0 /* s of a child that does not fail */
#define TESTS 2000

/* Runs tests of a plan that failed `rate` times a second on one that does `actual` times. Returns the share of SAME. */
static double share_same(double rate, double actual, double error)
{
    struct prng prng = prng_stream(1, 2);
    unsigned same = 0;
    for (unsigned i = 0; i < TESTS; i++) {
        struct sprt sprt;
        enum sprt_verdict verdict = SPRT_OPEN;
        sprt_begin(&sprt, rate, error);
        while (verdict == SPRT_OPEN) {
            double first = actual > 0 ? -log(1 - prng_unit(&prng)) / actual : INFINITY;
            verdict = sprt_add(&sprt, first < CHILD, fmin(first, CHILD));
        }
        same += verdict == SPRT_SAME;
    }
    return (double)same / TESTS;
}

static void equal_rates_are_the_same(void **state)
{
    (void)state;
    assert_true(share_same(1, 1, 0.1) > 0.88);
    assert_true(share_same(0.05, 0.05, 0.1) > 0.88);
    assert_true(share_same(1, 5, 0.1) > 0.99);
    assert_true(share_same(1, 1, 0.02) > 0.97);
}

static void a_quarter_of_the_rate_is_rarer(void **state)
{
    (void)state;
    assert_true(share_same(1, 1.0 / 4, 0.1) < 0.12);
    assert_true(share_same(0.05, 0.05 / 4, 0.1) < 0.12);
    assert_true(share_same(1, 0.05, 0.1) < 0.01);
    assert_true(share_same(1, 1.0 / 4, 0.02) < 0.03);
}

static void what_never_fails_is_rarer_soon(void **state)
{
    (void)state;
    struct sprt sprt;
    sprt_begin(&sprt, 1, 0.1);
    assert_int_equal(sprt_add(&sprt, false, 2.8), SPRT_OPEN);
    assert_int_equal(sprt_add(&sprt, false, 0.2), SPRT_RARER);
}

static void one_failure_decides_nothing(void **state)
{
    (void)state;
    struct sprt sprt;
    sprt_begin(&sprt, 1e-9, 0.1);
    assert_int_equal(sprt_add(&sprt, true, 1), SPRT_OPEN);
    assert_int_equal(sprt_add(&sprt, true, 1), SPRT_SAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_rates_are_the_same),
        cmocka_unit_test(a_quarter_of_the_rate_is_rarer),
        cmocka_unit_test(what_never_fails_is_rarer_soon),
        cmocka_unit_test(one_failure_decides_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
