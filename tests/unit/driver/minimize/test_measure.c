/* How much of its time a plan keeps, by the times at which it failed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "core/plan/detector_list.h"
#include "driver/minimize/measure.h"

#define MS (CLOCK_SECOND / 1000)

/* Ten failures in 100 children of the plan, with nine at the same time and one at another. */
static struct measured ten_failures(const struct plan *plan, double nine, double last)
{
    double child = 0.1 + clock_seconds(plan->time);
    struct measured measured = {.rate = {.hit = 10, .of = 100, .seconds = 90 * child + 9 * nine + last},
                                .dated = 10,
                                .start = 0.1,
                                .idle = 90 * child};
    for (unsigned i = 0; i < 10; i++)
        measured.times[i] = i < 9 ? nine : last;
    return measured;
}

static void early_failures_make_it_short(void **state)
{
    (void)state;
    struct plan plan = {.time = 400 * MS};
    struct measured measured = ten_failures(&plan, 0.05, 0.06);
    double rate = measure_shorten(&measured, &plan);
    assert_int_equal(plan.time, 150 * MS);
    assert_true(rate > 1.5 * rate_per_second(&measured.rate));
}

static void one_late_failure_is_given_up(void **state)
{
    (void)state;
    struct plan plan = {.time = 4000 * MS};
    struct measured measured = ten_failures(&plan, 0.05, 3);
    double rate = measure_shorten(&measured, &plan);
    assert_int_equal(plan.time, 150 * MS);
    assert_true(rate > rate_per_second(&measured.rate));
}

static void late_failures_keep_the_time(void **state)
{
    (void)state;
    struct plan plan = {.time = 4000 * MS};
    struct measured measured = ten_failures(&plan, 3, 0.05);
    measured.times[0] = 0.05;
    measured.times[9] = 3;
    assert_true(measure_shorten(&measured, &plan) == rate_per_second(&measured.rate));
    assert_int_equal(plan.time, 4000 * MS);
}

static void what_counts_keeps_the_time(void **state)
{
    (void)state;
    struct plan plan = {.time = 4000 * MS, .detect = DETECTOR_COUNTERS};
    struct measured measured = ten_failures(&plan, 0.05, 0.05);
    measure_shorten(&measured, &plan);
    assert_int_equal(plan.time, 4000 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(early_failures_make_it_short),
        cmocka_unit_test(one_late_failure_is_given_up),
        cmocka_unit_test(late_failures_keep_the_time),
        cmocka_unit_test(what_counts_keeps_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
