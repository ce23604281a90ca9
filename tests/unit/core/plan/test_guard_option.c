/* The guard's settings: good ones are read, bad ones get a sentence. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/plan/guard_option.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void settings_are_read(void **state)
{
    (void)state;
    const struct {
        const char *text;
        struct guard_option option;
    } good[] = {
        {NULL, {.every = 20000, .pages = 256}},
        {"", {.every = 20000, .pages = 256}},
        {"whole", {.whole = true, .every = 20000, .pages = 256}},
        {"stacks,whole", {.whole = true, .stacks = true, .every = 20000, .pages = 256}},
        {"every=0,pages=0", {.every = 0}},
        {"every=4294967295,pages=4096", {.every = UINT32_MAX, .pages = 4096}},
        {"quarantine=4096,interval=100", {.every = 20000, .pages = 256, .quarantine = 4096, .interval = 100}},
        {"quarantine=1073741824,interval=10000000",
         {.every = 20000, .pages = 256, .quarantine = 1 << 30, .interval = 10000000}},
        {"every=1,every=7", {.every = 7, .pages = 256}},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct guard_option option;
        char error[200] = "";
        assert_int_equal(guard_option_parse(good[i].text, &option, error, sizeof error), 0);
        assert_int_equal(option.whole, good[i].option.whole);
        assert_int_equal(option.stacks, good[i].option.stacks);
        assert_int_equal(option.every, good[i].option.every);
        assert_int_equal(option.pages, good[i].option.pages);
        assert_int_equal(option.quarantine, good[i].option.quarantine);
        assert_int_equal(option.interval, good[i].option.interval);
        assert_string_equal(error, "");
    }
}

static void bad_settings_get_a_sentence(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"hole", "hole"},
        {"wholes", "wholes"},
        {"whole=1", "whole=1"},
        {"every", "every"},
        {"every=", "every="},
        {"every=-1", "every=-1"},
        {"every=+1", "every=+1"},
        {"every= 1", "every= 1"},
        {"every=1k", "every=1k"},
        {"every=4294967296", "every=4294967296"},
        {"every=99999999999999999999999999", "every=99999999999999999999999999"},
        {"every=0000000000000000000000000000000001", "every=0000000000000000000000000000000001"},
        {"pages=4097", "pages=4097"},
        {"quarantine=4095", "quarantine=4095"},
        {"quarantine=1073741825", "quarantine=1073741825"},
        {"interval=99", "interval=99"},
        {"whole,,stacks", ""},
        {",", ""},
        {"stacks,interval=x,whole", "interval=x"},
        {"Whole", "Whole"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct guard_option option;
        char error[400], want[200];
        assert_int_equal(guard_option_parse(bad[i][0], &option, error, sizeof error), -EINVAL);
        snprintf(want, sizeof want,
                 "'%s' is none of the guard's settings, which are whole, stacks, every=N, ", bad[i][1]);
        assert_memory_equal(error, want, strlen(want));
        assert_non_null(strstr(error, "quarantine=BYTES (4096 to 1073741824)"));
    }
}

static void a_long_bad_setting_is_cut(void **state)
{
    (void)state;
    char text[400], error[200];
    struct guard_option option;
    memset(text, 'w', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(guard_option_parse(text, &option, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "' is none of the guard's settings"));
    assert_int_equal(guard_option_parse(text, &option, error, 10), -EINVAL);
    assert_int_equal(strlen(error), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read),
        cmocka_unit_test(bad_settings_get_a_sentence),
        cmocka_unit_test(a_long_bad_setting_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
