/* Rates and their exact intervals, against tables of the Poisson distribution. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "driver/minimize/rate.h"

static void intervals_are_those_of_tables(void **state)
{
    static const struct {
        unsigned hit;
        double low, high;
    } rows[] = {
        {0, 0, 3.689}, {1, 0.0253, 5.572}, {5, 1.623, 11.668}, {10, 4.795, 18.390}, {100, 81.36, 121.63}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct rate rate = {rows[i].hit, 200, 2};
        double low, high;
        rate_interval(&rate, &low, &high);
        assert_true(fabs(low - rows[i].low / 2) < 0.01);
        assert_true(fabs(high - rows[i].high / 2) < 0.01);
        assert_true(fabs(rate_per_second(&rate) - rows[i].hit / 2.0) < 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(intervals_are_those_of_tables)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
