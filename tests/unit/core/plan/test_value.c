/* Values as people write them: times, sizes and names of detectors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "core/plan/detector_list.h"
#include "core/plan/value.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MS (CLOCK_SECOND / 1000)

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t nanoseconds; /* UINT64_MAX: refused */
        const char *printed;
    } rows[] = {
        {"10", 10 * CLOCK_SECOND, "10s"},
        {"10s", 10 * CLOCK_SECOND, "10s"},
        {"500ms", 500 * MS, "500ms"},
        {"1500ms", 1500 * MS, "1500ms"},
        {"2m", 120 * CLOCK_SECOND, "2m"},
        {"60s", 60 * CLOCK_SECOND, "1m"},
        {"90s", 90 * CLOCK_SECOND, "90s"},
        {"2h", 7200 * CLOCK_SECOND, "2h"},
        {"0", 0, "0s"},
        {"0h", 0, "0s"},
        {"7us", 7000, "7us"},
        {"1ns", 1, "1ns"},
        {"5124095h", UINT64_C(5124095) * 3600 * CLOCK_SECOND, "5124095h"},
        {"5124096h", UINT64_MAX, NULL},
        {"99999999999999999999", UINT64_MAX, NULL},
        {"", UINT64_MAX, NULL},
        {"s", UINT64_MAX, NULL},
        {" 1", UINT64_MAX, NULL},
        {"-1", UINT64_MAX, NULL},
        {"+1", UINT64_MAX, NULL},
        {"1 s", UINT64_MAX, NULL},
        {"1.5s", 1500000000u, "1500ms"},
        {"1.", UINT64_MAX, NULL},
        {"1.s", UINT64_MAX, NULL},
        {"1d", UINT64_MAX, NULL},
        {"1S", UINT64_MAX, NULL},
        {"0x10", UINT64_MAX, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t nanoseconds = UINT64_MAX;
        char text[32];
        assert_int_equal(value_time(rows[i].text, &nanoseconds), rows[i].printed ? 0 : -EINVAL);
        assert_true(nanoseconds == rows[i].nanoseconds);
        value_print_time(nanoseconds, text);
        if (rows[i].printed)
            assert_string_equal(text, rows[i].printed);
    }
}

static void detectors(void **state)
{
    (void)state;
    static const uint32_t crash = DETECTOR_BIT(DETECTOR_CRASH), tripwire = DETECTOR_BIT(DETECTOR_TRIPWIRE);
    const struct {
        const char *text;
        int status;
        uint32_t bits;
        const char *printed; /* or a part of the sentence */
    } rows[] = {
        {"all", 0, DETECTOR_ALL, "all"},
        {"none", 0, 0, "none"},
        {"default", 0, DETECTOR_DEFAULT, "default"},
        {"crash", 0, crash, "crash"},
        {"tripwire,crash", 0, crash | tripwire, "crash,tripwire"},
        {" crash , tripwire ", 0, crash | tripwire, "crash,tripwire"},
        {"default,crash,crash", 0, DETECTOR_DEFAULT, "default"},
        {"none,crash", -EINVAL, 0, "none stands alone"},
        {"all,none", -EINVAL, 0, "none stands alone"},
        {"", -EINVAL, 0, "unknown detector ''"},
        {"crash,", -EINVAL, 0, "unknown detector ''"},
        {"Crash", -EINVAL, 0,
         "unknown detector 'Crash'; the names are arena, crash, diverge, exception, growth, guard, "},
        {"crash tripwire", -EINVAL, 0, "unknown detector 'crash tripwire'"},
        {"crashes", -EINVAL, 0, "unknown detector 'crashes'"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t bits = 0;
        char text[256] = "";
        assert_int_equal(detector_parse(rows[i].text, &bits, text, sizeof text), rows[i].status);
        assert_int_equal(bits, rows[i].bits);
        if (rows[i].status == 0)
            detector_print(bits, text, sizeof text);
        assert_non_null(strstr(text, rows[i].printed));
    }
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: refused */
    } rows[] = {
        {"1", 1},
        {"64K", 65536},
        {"512M", UINT64_C(512) << 20},
        {"4G", UINT64_C(4) << 30},
        {"2T", UINT64_C(2) << 40},
        {"0", 0},
        {"", 0},
        {"K", 0},
        {"4GB", 0},
        {"-1", 0},
        {"1.5M", 0},
        {"4g", 0},
        {"99999999999999999999", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t bytes = 0;
        assert_int_equal(value_size(rows[i].text, &bytes), rows[i].bytes ? 0 : -EINVAL);
        assert_int_equal(bytes, rows[i].bytes);
    }
}

static void every_detector_has_a_row(void **state)
{
    (void)state;
    for (int id = 0; id < DETECTOR_COUNT; id++) {
        assert_non_null(detector_rows[id].name);
        assert_non_null(detector_rows[id].about);
        assert_true(detector_rows[id].blind && detector_rows[id].cost);
        assert_null(strchr(detector_rows[id].about, '\n'));
        assert_true(id == 0 || strcmp(detector_rows[id - 1].name, detector_rows[id].name) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),
        cmocka_unit_test(detectors),
        cmocka_unit_test(sizes),
        cmocka_unit_test(every_detector_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
