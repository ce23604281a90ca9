/* The parts of a plan that an interpreter with the GIL can run. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "core/plan/detector_list.h"
#include "driver/command/gil_run.h"

static const struct probe probe = {.version = "3.11.2", .abi = "3.11"};

static void leaks_are_looked_for_on_one_thread(void **state)
{
    (void)state;
    struct plan plan = {.threads = 8, .detect = DETECTOR_ALL};
    char error[256];
    assert_int_equal(gil_run_narrow(&plan, &probe, error, sizeof error), 0);
    assert_int_equal(plan.threads, 1);
    assert_true(plan.detect & DETECTOR_BIT(DETECTOR_GROWTH));
    assert_true(plan.detect & DETECTOR_BIT(DETECTOR_CRASH));
    assert_false(plan.detect & DETECTOR_BIT(DETECTOR_TRIPWIRE));
    assert_false(plan.detect & DETECTOR_BIT(DETECTOR_DIVERGE));
}

static void races_cannot_be_looked_for(void **state)
{
    (void)state;
    struct plan plan = {.threads = 8, .detect = DETECTOR_DEFAULT};
    char error[256];
    assert_int_equal(gil_run_narrow(&plan, &probe, error, sizeof error), -ENOTSUP);
    assert_non_null(strstr(error, "3.11.2"));
    assert_non_null(strstr(error, "--detect"));
    assert_int_equal(plan.threads, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaks_are_looked_for_on_one_thread),
        cmocka_unit_test(races_cannot_be_looked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
