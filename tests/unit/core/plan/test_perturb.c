/* The names and the sentences of perturbations. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "core/plan/perturb.h"

static char error[512];

static void each_name_survives_a_reload(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1U << PERTURB_COUNT; bits++) {
        char text[256];
        uint32_t read = UINT32_MAX;
        perturb_print(bits, text, sizeof text);
        assert_int_equal(perturb_parse(text, &read, error, sizeof error), 0);
        assert_int_equal(read, bits);
    }
}

static void off_stands_alone(void **state)
{
    (void)state;
    char text[64];
    uint32_t bits;
    assert_int_equal(perturb_parse("off", &bits, error, sizeof error), 0);
    assert_true(bits == PERTURB_OFF);
    perturb_print(bits, text, sizeof text);
    assert_string_equal(text, "off");
    perturb_say(bits, 8, text, sizeof text);
    assert_string_equal(text, "");
    assert_int_equal(perturb_parse("off,delay", &bits, error, sizeof error), -EINVAL);
    assert_string_equal(error, "off switches all perturbations off; leave out the others");
}

static void an_unknown_name_is_refused_with_all_names(void **state)
{
    (void)state;
    uint32_t bits;
    assert_int_equal(perturb_parse("offf", &bits, error, sizeof error), -EINVAL);
    assert_string_equal(error,
                        "unknown perturbation 'offf'; the names are lockstep, fresh, collect, skew, delay, "
                        "alloc, locks, starve, crowd, pin, pct, first, stall, or off");
}

static void a_report_says_what_each_does(void **state)
{
    (void)state;
    char text[1400];
    perturb_say(PERTURB_DELAY | PERTURB_ALLOC, 8, text, sizeof text);
    assert_string_equal(
        text, "at random times a thread waits for up to 100 us before or after a call; at random times a "
              "thread waits for up to 100 us where a call has allocated or freed memory");
    perturb_say(PERTURB_PCT, 8, text, sizeof text);
    assert_non_null(strstr(
        text, "priorities are random, and 2 of each 32 points change one; where no wait runs out, an order "
              "of depth 3 has a chance of at least 1 in 8192 in these points"));
    perturb_say((1U << PERTURB_COUNT) - 1, 256, text, sizeof text);
    assert_true(strlen(text) < 1350); /* the room of a report */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_survives_a_reload),
        cmocka_unit_test(off_stands_alone),
        cmocka_unit_test(an_unknown_name_is_refused_with_all_names),
        cmocka_unit_test(a_report_says_what_each_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
