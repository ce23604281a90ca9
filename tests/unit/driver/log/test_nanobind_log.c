/* The parser of nanobind's report at exit, on recorded output of its versions. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/log/nanobind_log.h"

/* The report of a recorded log, with something before and right behind it. */
static struct nanobind_report report_of(const char *name)
{
    char path[512], *log = NULL, *text = NULL;
    struct nanobind_report report;
    snprintf(path, sizeof path, FTSTRESS_LOGS "/%s", name);
    assert_int_equal(fd_read_file(path, &log, NULL), 0);
    assert_true(asprintf(&text, "a warning\n%sAborted (core dumped)\n", log) > 0);
    assert_true(nanobind_report_parse(text, &report));
    free(log);
    free(text);
    return report;
}

static void says(const struct nanobind_report *report, const char *sentence)
{
    char *text = nanobind_report_sentence(report);
    assert_string_equal(text, sentence);
    free(text);
}

static void version_1_lists_every_instance(void **state)
{
    (void)state;
    struct nanobind_report report = report_of("nanobind-1.9.2-jaxlib-0.4.28.log");
    assert_int_equal(report.listed, report.instances);
    assert_string_equal(report.module, "jaxlib");
    says(&report, "183 instances (164 PyTreeDef, 6 WeakrefLRUCache, 4 HostBufferSemantics, 2 CompileOptions, "
                  "7 others), 6 keep_alive records, 12 types, 216 functions");
    nanobind_report_clear(&report);
}

static void version_2_has_bare_names(void **state)
{
    (void)state;
    struct nanobind_report report = report_of("nanobind-2.0.0.log");
    assert_string_equal(report.module, "nb_toy");
    says(&report, "26 instances (26 Item), 0 keep_alive records, 1 types, 0 functions");
    nanobind_report_clear(&report);
}

static void version_3_stops_at_20_lines(void **state)
{
    (void)state;
    struct nanobind_report report = report_of("nanobind-3.1.0.log");
    assert_int_equal(report.listed, 20);
    assert_string_equal(report.named[0].name, "nb_toy.Item");
    says(&report, "26 instances (of those listed 20 Item), 0 keep_alive records, 1 types, 0 functions");
    nanobind_report_clear(&report);
}

static void two_reports_without_a_line_break_between_them_add_up(void **state)
{
    (void)state;
    struct nanobind_report report;
    assert_true(
        nanobind_report_parse("nanobind: leaked 2 instances!\n - leaked instance 0x1 of type \"a.T\"\n"
                              " - ... skipped remainder\nSee https://a.html"
                              "nanobind: leaked 3 instances!\n - leaked instance 0x2 of type \"\"\n"
                              "nanobind: leaked 1 keep_alive records!\n",
                              &report));
    says(&report, "5 instances (of those listed 1 T, 1 others), 1 keep_alive records, 0 types, 0 functions");
    nanobind_report_clear(&report);
}

static void other_texts_are_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        NULL,
        "",
        "leaked ",
        "nanobind: leaked ",
        "nanobind: leaked many instances!",
        "nanobind: leaked 3 secrets!",
        "my own: leaked 3 instances!\n - leaked instance 0x1 of type \"T\"\n",
        " - leaked type \"",
    };
    struct nanobind_report report;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(nanobind_report_parse(texts[i], &report));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_lists_every_instance),
        cmocka_unit_test(version_2_has_bare_names),
        cmocka_unit_test(version_3_stops_at_20_lines),
        cmocka_unit_test(two_reports_without_a_line_break_between_them_add_up),
        cmocka_unit_test(other_texts_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
