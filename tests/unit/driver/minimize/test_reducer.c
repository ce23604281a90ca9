/* By what a smaller variant that was tried is known again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/minimize/reducer.h"

static char *key(const char *axis, const char *step, const char *share, int threads)
{
    json_auto_t *variant = json_pack("{s:s, s:s, s:[s], s:s, s:i}", "axis", axis, "what", "in words", "steps",
                                     step, "share", share, "threads", threads);
    return reducer_key(variant);
}

static void assert_known(bool known, const char *axis, const char *step, const char *share, int threads)
{
    cleanup_free char *tried = key(axis, "f(x)", "readonly", 4), *now = key(axis, step, share, threads);
    assert_non_null(tried);
    assert_non_null(now);
    assert_int_equal(strcmp(tried, now) == 0, known);
}

static void what_is_needed_stays_so(void **state)
{
    (void)state;
    assert_known(true, "statements", "f(x)", "private", 4);
    assert_known(true, "expressions", "f(x)", "readonly", 2);
    assert_known(true, "jump", "f(x)", "private", 4);
    assert_known(false, "statements", "g(x)", "readonly", 4);
}

static void settings_count_where_they_change(void **state)
{
    (void)state;
    assert_known(false, "settings", "f(x)", "private", 4);
    assert_known(false, "threads", "f(x)", "readonly", 2);
    assert_known(false, "jump", "f(x)", "readonly", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_needed_stays_so),
        cmocka_unit_test(settings_count_where_they_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
