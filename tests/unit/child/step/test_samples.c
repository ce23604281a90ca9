/* The iterations that are compared: their period, those without one, and the lanes. Needs an interpreter. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "child/step/samples.h"
#include "embedded.h"

static struct samples samples;

/* Finds the samples of one statement. l is a list of six. */
static void init(const char *statement, unsigned threads, char *thread_setup)
{
    struct program program = {0};
    char error[256], *texts[] = {(char *)statement};
    struct plan plan = {.threads = threads, .thread_setup = thread_setup};
    PyObject *names = Py_BuildValue("{s:O,s:[iiiiii],s:i}", "__builtins__", PyEval_GetBuiltins(), "l", 1, 2,
                                    3, 4, 5, 6, "n", 5);
    assert_int_equal(program_add(&program, texts, 1, error, sizeof error), 0);
    program_finish(&program);
    samples_init(&samples, &plan, &program, names);
    assert_null(PyErr_Occurred());
    program_clear(&program);
    Py_DECREF(names);
}

static uint64_t period_of(const char *statement)
{
    init(statement, 2, NULL);
    return samples.period;
}

static void a_period_is_known(void **state)
{
    (void)state;
    assert_int_equal(period_of("f(3)"), 1);
    assert_int_equal(period_of("f(iteration_index % 7)"), 7);
    assert_int_equal(period_of("f(l[iteration_index % len(l)])"), 6);
    assert_int_equal(period_of("f(iteration_index % n + iteration_index % 6)"), 30);
    assert_int_equal(period_of("f(iteration_index & 5)"), 8);
    assert_int_equal(period_of("f(iteration_index % 7)\ny = iteration_index % 2"), 14);
}

static void other_uses_have_none(void **state)
{
    (void)state;
    static const char *const uses[] = {
        "f(iteration_index)",
        "f(iteration_index // 7)",
        "f(7 % iteration_index)",
        "f(iteration_index % 7.5)",
        "f(iteration_index % 0)",
        "f(iteration_index % -3)",
        "f(iteration_index & -2)",
        "f(iteration_index % g(3))",
        "f(iteration_index % 5000)",
        "f(iteration_index % unset)",
        "n = 3\nf(iteration_index % n)",
        "f(iteration_index % 7, iteration_index)",

        "f(iteration_index % iteration_index)",
        "f(iteration_index % 1000 + iteration_index % 999)",
    };
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (period_of(uses[i]) != 0)
            fail_msg("%s has the period %llu", uses[i], (unsigned long long)samples.period);
}

static void a_period_finds_each_iteration(void **state)
{
    (void)state;
    init("f(iteration_index % 7)", 2, NULL);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(samples_find(&samples, i), i % 7);
    samples.n = 3;
    assert_int_equal(samples_find(&samples, 9), 2);
    assert_int_equal(samples_find(&samples, 10), DETECTOR_NO_SAMPLE);
}

static void chosen_iterations_are_found(void **state)
{
    (void)state;
    init("f(iteration_index)", 2, NULL);
    assert_int_equal(samples_find(&samples, 0), DETECTOR_NO_SAMPLE);
    for (uint64_t span = 1; span < 100000; span = span * 3 + 1) {
        samples_choose(&samples, 1000, span, 100, span);
        unsigned found = 0;
        for (uint64_t i = 0; i < 1000 + 2 * span; i++) {
            unsigned at = samples_find(&samples, i);
            found += at != DETECTOR_NO_SAMPLE;
            assert_true(at == DETECTOR_NO_SAMPLE || samples_iteration(&samples, at) == i);
        }
        assert_int_equal(found, samples.n);
        assert_true(samples.n <= 100 && samples.n >= (span < 100 ? span : 50));
        assert_int_equal(samples_iteration(&samples, 0), 1000);
    }
}

static void no_more_are_chosen_than_fit(void **state)
{
    (void)state;
    init("f(iteration_index)", 2, NULL);
    samples_choose(&samples, 0, UINT64_C(1) << 22, UINT32_MAX, 1);
    assert_int_equal(samples.n, SAMPLES_MAX);
    samples_choose(&samples, 0, 100, 0, 1);
    assert_int_equal(samples.n, 0);
}

static void a_lane_is_a_role_or_a_thread(void **state)
{
    (void)state;
    init("f(3)", 8, NULL);
    assert_int_equal(samples.lanes, 1);
    assert_int_equal(samples_lane(&samples, 5, 1), 0);
    init("f(thread_index)", 8, NULL);
    assert_int_equal(samples.lanes, 8);
    assert_int_equal(samples_lane(&samples, 5, 1), 5);
    init("f(k)", 100, "k = thread_index");
    assert_int_equal(samples.lanes, SAMPLE_LANES);
    assert_int_equal(samples_lane(&samples, 99, 1), DETECTOR_NO_SAMPLE);
}

static int start(void **state)
{
    (void)state;
    return embedded_start() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_period_is_known),
        cmocka_unit_test(other_uses_have_none),
        cmocka_unit_test(a_period_finds_each_iteration),
        cmocka_unit_test(chosen_iterations_are_found),
        cmocka_unit_test(no_more_are_chosen_than_fit),
        cmocka_unit_test(a_lane_is_a_role_or_a_thread),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
