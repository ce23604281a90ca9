/* What follows from trials, and which function a statement calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/callable.h"
#include "driver/verification.h"

static void intervals_hold_the_rate(void **state)
{
    (void)state;
    static const struct {
        struct trials trials;
        double low, high;
    } rows[] = {
        {{0, 0}, 0, 100},      {{3, 3}, 43.8, 100},   {{0, 3}, 0, 56.2},
        {{5, 10}, 23.7, 76.3}, {{50, 50}, 92.9, 100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double low, high;
        verification_interval(&rows[i].trials, &low, &high);
        assert_true(low > rows[i].low - 0.1 && low < rows[i].low + 0.1);
        assert_true(high > rows[i].high - 0.1 && high < rows[i].high + 0.1);
    }
}

static void silence_tells_only_where_hits_were_to_be_expected(void **state)
{
    (void)state;
    struct verification verification = {.again = {3, 3}};
    assert_true(verification_is_telling(&verification, &(struct trials){0, 3}));
    assert_false(verification_is_telling(&verification, &(struct trials){0, 0}));
    verification.again = (struct trials){1, 7};
    assert_false(verification_is_telling(&verification, &(struct trials){0, 7}));
    verification.again = (struct trials){0, 7};
    assert_false(verification_is_telling(&verification, &(struct trials){0, 50}));
}

static void the_guilty_call_is_named(void **state)
{
    (void)state;
    char text[640];
    struct verification verification = {
        .again = {3, 3},
        .nknock_outs = 2,
        .knock_outs = {{(char *)"numpy.repeat", {0, 3}}, {(char *)"scipy.stats.somersd", {2, 3}}}};
    verification_say_guilty(&verification, text, sizeof text);
    assert_string_equal(text,
                        "still fails without scipy.stats.somersd; never fails without numpy.repeat: look at "
                        "numpy.repeat");
    verification.again = (struct trials){1, 7};
    verification_say_guilty(&verification, text, sizeof text);
    assert_string_equal(text, "still fails without scipy.stats.somersd");
    verification.nknock_outs = 0;
    verification_say_guilty(&verification, text, sizeof text);
    assert_string_equal(text, "");
}

static void statements_name_what_they_call(void **state)
{
    (void)state;
    static const char setup[] =
        "import os, numpy as np\nfrom scipy.stats import somersd, rankdata as rank; import m.sub";
    static const struct {
        const char *statement, *callable;
    } rows[] = {
        {"a = np.repeat(x, 2)[::2]", "numpy.repeat"},
        {"np.linalg.norm(x)", "numpy.linalg.norm"},
        {"somersd(a, b)", "scipy.stats.somersd"},
        {"r = rank(a)", "scipy.stats.rankdata"},
        {"x.sort()", "x.sort"},
        {"m.sub.f()", "m.sub.f"},
        {"f (1)", NULL},
        {"x + y", NULL},
        {"(a, b)", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *found = callable_of(rows[i].statement, setup);
        if (rows[i].callable)
            assert_string_equal(found, rows[i].callable);
        else
            assert_null(found);
        free(found);
    }
    char *bare = callable_of("np.sum(x)", NULL);
    assert_string_equal(bare, "np.sum");
    free(bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_hold_the_rate),
        cmocka_unit_test(silence_tells_only_where_hits_were_to_be_expected),
        cmocka_unit_test(the_guilty_call_is_named),
        cmocka_unit_test(statements_name_what_they_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
