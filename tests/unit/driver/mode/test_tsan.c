/* The ThreadSanitizer mode: decisions from text alone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "driver/mode/mode_tsan.h"

/* As the runtime of LLVM 19 and that of LLVM 23 list their options. */
#define LIST_19                                                                                              \
    "Available flags for ThreadSanitizer:\n"                                                                 \
    "\thistory_size\n\t\t- Per-thread history size. (Current Value: 0)\n"
#define LIST_23                                                                                              \
    LIST_19 "\tenable_adaptive_delay\n\t\t- Enable adaptive delay injection. (Current Value: false)\n"       \
            "\tadaptive_delay_aggressiveness\n\t\t- Intensity. (Current Value: 25)\n"

static void delays_where_the_runtime_has_them(void **state)
{
    (void)state;
    assert_false(tsan_has_delays(NULL));
    assert_false(tsan_has_delays(""));
    assert_false(tsan_has_delays(LIST_19));
    assert_false(tsan_has_delays(LIST_19 "\tadaptive_delay_max_sync\n\t\t- See enable_adaptive_delay.\n"));
    assert_true(tsan_has_delays(LIST_23));
}

static void only_a_gil_that_is_on(void **state)
{
    (void)state;
    struct sentence why;
    assert_false(tsan_way_gil(false, &why));
    assert_true(tsan_way_gil(true, &why));
}

static void files_are_named_up_to_a_few(void **state)
{
    (void)state;
    char *paths[] = {"/v/a.so", "/v/b.so", "/v/c.so", "/v/d.so", "/v/e.so", "/v/f.so"};
    struct sentence one, six;
    assert_false(tsan_way_bare(paths, 0, &one));
    assert_true(tsan_way_bare(paths, 1, &one));
    assert_true(tsan_way_bare(paths, 6, &six));
    assert_string_equal(one.what, "not instrumented, so that no race in it would be seen: a.so");
    assert_non_null(strstr(six.what, "seen: a.so, b.so, c.so, d.so and 2 more"));
    assert_non_null(strstr(six.remedy, "build it"));
}

static void a_source_is_not_bare(void **state)
{
    (void)state;
    assert_false(tsan_is_bare(__FILE__));
    assert_false(tsan_is_bare("/nowhere"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_where_the_runtime_has_them),
        cmocka_unit_test(only_a_gil_that_is_on),
        cmocka_unit_test(files_are_named_up_to_a_few),
        cmocka_unit_test(a_source_is_not_bare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
