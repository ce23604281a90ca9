/* Requests: the values that options leave there, and those that replace a plan's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "core/plan/detector_list.h"
#include "option_line.h"

#define MS (CLOCK_SECOND / 1000)

static void the_values_arrive(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(PARSE(&r, "-p", "venv", "-t", "3", "--time", "2m", "--iterations", "0x10", "--seed",
                           "99", "--share", "one-writer", "--detect", "crash,hang", "--timeout", "250ms",
                           "--memory", "3G", "--out", "o", "--json", "-"),
                     0);
    assert_string_equal(r.python, "venv");
    assert_int_equal(r.plan.threads, 3);
    assert_true(r.plan.time == 120 * CLOCK_SECOND && r.plan.iterations == 16 && r.plan.seed == 99);
    assert_int_equal(r.plan.share, RUNG_ONE_WRITER);
    assert_int_equal(r.plan.detect, DETECTOR_BIT(DETECTOR_CRASH) | DETECTOR_BIT(DETECTOR_HANG));
    assert_true(r.timeout == 250 * MS && r.memory == UINT64_C(3) << 30);
    assert_string_equal(r.out, "o");
    assert_string_equal(r.json, "-");
    assert_true(REQUEST_GAVE(&r, plan.threads) && REQUEST_GAVE(&r, plan.time) &&
                REQUEST_GAVE(&r, plan.iterations) && REQUEST_GAVE(&r, plan.seed) &&
                REQUEST_GAVE(&r, plan.share) && REQUEST_GAVE(&r, plan.detect));
    assert_false(REQUEST_GAVE(&r, plan.stop_on_first) || REQUEST_GAVE(&r, verify));
    assert_false(r.has_code);
    request_clear(&r);
}

static void the_defaults_hold(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(PARSE(&r, "somersd"), 0);
    assert_null(r.python);
    assert_null(r.json);
    assert_string_equal(r.out, "ftstress-out");
    assert_true(r.timeout == 5 * CLOCK_SECOND && r.memory == 0);
    assert_true(r.given == 0 && !r.has_code);
    assert_false(r.dry_run || r.quiet || r.verbose || r.no_color || r.allow_gil || r.help ||
                 r.plan.stop_on_first);
    request_clear(&r);
}

static void switches_switch(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(PARSE(&r, "--dry-run", "-qv", "--no-color", "--allow-gil", "-h", "--stop-on-first"), 0);
    assert_true(r.dry_run && r.quiet && r.verbose && r.no_color && r.allow_gil && r.help &&
                r.plan.stop_on_first);
    request_clear(&r);
}

static void code_is_collected_line_by_line(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(PARSE(&r, "-s", "import numpy as np", "-s", "a = 1", "--thread-setup", "b = 2", "-i",
                           "x=f8[40][::2]", "--input=y=i4[3]", "--role", "x.sum()", "--role", "y.sum()",
                           "x = y"),
                     0);
    assert_true(r.has_code);
    assert_string_equal(r.plan.setup, "import numpy as np\na = 1");
    assert_string_equal(r.plan.thread_setup, "b = 2");
    assert_int_equal(r.plan.ninputs, 2);
    assert_string_equal(r.plan.inputs[0].name, "x");
    assert_string_equal(r.plan.inputs[0].recipe, "f8[40][::2]");
    assert_string_equal(r.plan.inputs[1].recipe, "i4[3]");
    assert_int_equal(r.plan.nroles, 2);
    POSITIONALS(&r, "x = y");
    request_clear(&r);
}

static void the_command_line_wins(void **state)
{
    (void)state;
    struct request r;
    struct plan plan;
    plan_init(&plan);
    assert_int_equal(PARSE(&r, "-t", "3", "--time", "1s", "--iterations", "5", "--seed", "6", "--share",
                           "private", "--detect", "none", "--stop-on-first"),
                     0);
    assert_int_equal(request_apply(&r, &plan), 0);
    assert_true(plan.threads == 3 && plan.time == CLOCK_SECOND && plan.iterations == 5 && plan.seed == 6);
    assert_true(plan.share == RUNG_PRIVATE && plan.detect == 0 && plan.stop_on_first);
    request_clear(&r);
    plan_clear(&plan);
}

static void options_not_given_keep_their_values(void **state)
{
    (void)state;
    struct request r;
    struct plan plan;
    plan_init(&plan);
    plan.threads = 5;
    plan.time = 4 * CLOCK_SECOND;
    plan.iterations = 3;
    plan.seed = 2;
    plan.share = RUNG_ALL;
    plan.detect = 1;
    plan.stop_on_first = true;
    assert_int_equal(PARSE(&r, "somersd"), 0);
    assert_int_equal(request_apply(&r, &plan), 0);
    assert_true(plan.threads == 5 && plan.time == 4 * CLOCK_SECOND && plan.iterations == 3 && plan.seed == 2);
    assert_true(plan.share == RUNG_ALL && plan.detect == 1 && plan.stop_on_first);
    request_clear(&r);
    plan_clear(&plan);
}

static void iterations_alone_lift_the_time(void **state)
{
    (void)state;
    struct request r;
    struct plan plan;
    plan_init(&plan);
    assert_int_equal(PARSE(&r, "--iterations", "5"), 0);
    assert_int_equal(request_apply(&r, &plan), 0);
    assert_true(plan.iterations == 5 && plan.time == 0);
    request_clear(&r);
    plan_clear(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_values_arrive),
        cmocka_unit_test(the_defaults_hold),
        cmocka_unit_test(switches_switch),
        cmocka_unit_test(code_is_collected_line_by_line),
        cmocka_unit_test(the_command_line_wins),
        cmocka_unit_test(options_not_given_keep_their_values),
        cmocka_unit_test(iterations_alone_lift_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
