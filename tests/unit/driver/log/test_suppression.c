/* Suppressions: files, what they must say, and what they match. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "driver/log/suppression.h"

static const struct suppression_defaults none;
static char directory[] = "/tmp/ftstress-suppression-XXXXXX";
static char path[64];
static struct sentence error;

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/known.txt", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static int load(const char *text, const struct suppression_defaults *defaults, struct suppression_list *list)
{
    assert_int_equal(fd_write_file(path, text, strlen(text)), 0);
    return suppression_load(path, defaults, list, &error);
}

#define HEAD                                                                                                 \
    "# link: https://example.org/7\n# version: package 1.0 to 1.2\n# Counts may get lost,\n# with no effect.\n"

static void a_rule_has_link_version_and_sentence(void **state)
{
    (void)state;
    struct suppression_list list = {0};
    assert_int_equal(load(HEAD "race:count\nrace_top:^look$\n", &none, &list), 0);
    assert_int_equal(list.n, 2);
    assert_string_equal(list.items[1].type, "race_top");
    assert_string_equal(list.items[1].pattern, "^look$");
    assert_string_equal(list.items[1].link, "https://example.org/7");
    assert_string_equal(list.items[1].version, "package 1.0 to 1.2");
    assert_string_equal(list.items[1].why, "Counts may get lost, with no effect.");
    assert_non_null(strstr(list.items[1].where, "known.txt:6"));
    suppression_list_clear(&list);
}

static void a_missing_part_is_an_error_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"race:count\n", ":1: the suppression 'race:count' does not state where"},
        {"# https://example.org\n# Because.\nrace:count\n",
         ":3: the suppression 'race:count' does not state which versions"},
        {"# link: x\n# version: 1\nrace:count\n", ":3: the suppression 'race:count' does not state why"},
        {HEAD "\nrace:count\n", "does not state where"},
        {HEAD "race:count\n# another remark\nrace:look\n", ":7: the suppression 'race:look'"},
        {HEAD "races:count\n", ":5: 'races:count' is not TYPE:PATTERN"},
        {HEAD "count\n", "is not TYPE:PATTERN"},
        {HEAD "race:\n", "is not TYPE:PATTERN"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct suppression_list list = {0};
        assert_int_equal(load(rows[i].text, &none, &list), -EINVAL);
        cleanup_free char *text = sentence_text(&error);
        if (!strstr(text, rows[i].expected))
            fail_msg("%s: %s", rows[i].expected, text);
        suppression_list_clear(&list);
    }
    struct suppression_list list = {0};
    assert_int_equal(suppression_load("/nowhere", &none, &list, &error), -ENOENT);
    assert_non_null(strstr(error.what, "cannot read /nowhere"));
}

static void another_list_may_leave_things_unsaid(void **state)
{
    (void)state;
    static const struct suppression_defaults defaults = {"https://example.org/list", "CPython 3.13",
                                                         "They know."};
    struct suppression_list list = {0};
    assert_int_equal(load("## A title\n\nrace:one\n\n# https://example.org/2 is about this\nrace_top:two\n",
                          &defaults, &list),
                     0);
    assert_string_equal(list.items[0].why, "They know.");
    assert_string_equal(list.items[1].link, "https://example.org/2");
    assert_string_equal(list.items[1].why, "https://example.org/2 is about this");
    suppression_list_clear(&list);
}

static void patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        {"repeat", "PyArray_Repeat", false},
        {"Repeat", "PyArray_Repeat", true},
        {"^Repeat", "PyArray_Repeat", false},
        {"^PyArray_", "PyArray_Repeat", true},
        {"Repeat$", "PyArray_Repeat", true},
        {"Rep$", "PyArray_Repeat", false},
        {"^a*c$", "abc", true},
        {"^a*c$", "abcd", false},
        {"a*", "b", false},
        {"*", "", true},
        {"a*b*c", "xaybzc", true},
        {"a*b*c", "xaycz", false},
        {"$", "x", true},
        {"a", NULL, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (suppression_matches(rows[i].pattern, rows[i].text) != rows[i].matches)
            fail_msg("%s against %s", rows[i].pattern, rows[i].text ? rows[i].text : "nothing");
}

static void keep(void *context, struct tsan_report *report)
{
    *(struct tsan_report **)context = report;
}

static void name_frames(struct tsan_report *report)
{
    static const char *const names[][3] = {{"inner", "/a/one.c", "/m/one.so"},
                                           {"outer", "/a/one.c", "/m/one.so"},
                                           {"reader", "/a/two.c", "/m/two.so"},
                                           {"starter", "/a/three.c", "/m/x.so"}};
    for (size_t i = 0; i < report->nparts; i++)
        for (size_t k = 0; k < report->parts[i].stack.nframes; k++) {
            struct symbol_frame *frame = &report->parts[i].stack.frames[k];
            frame->function = strdup(names[frame->address - 1][0]);
            frame->file = strdup(names[frame->address - 1][1]);
            frame->module = strdup(names[frame->address - 1][2]);
        }
}

static void each_type_of_rule_matches_its_frames(void **state)
{
    (void)state;
    static const char text[] = "WARNING: ThreadSanitizer: data race (pid=1)\n"
                               "  Write of size 8 at 0x1 by thread T1:\n    #0 0x1\n"
                               "    #1 0x2\n\n"
                               "  Previous read of size 8 at 0x1 by thread T2:\n    #0 0x3\n\n"
                               "  Thread T1 (tid=1, running) created by main thread at:\n    #0 0x4\n\n"
                               "SUMMARY: x\n";
    static const struct {
        const char *rule;
        bool matches;
    } rows[] = {{"race:outer", true},      {"race:reader", true},     {"race:two.c", true},
                {"race:/m/one.so", true},  {"race:starter", false},   {"race_top:inner", true},
                {"race_top:outer", false}, {"race_top:reader", true}, {"thread:starter", false},
                {"mutex:*", false}};
    struct tsan_report *report = NULL;
    struct tsan_log log = {.take = keep, .context = &report};
    tsan_log_feed(&log, text, strlen(text));
    tsan_log_finish(&log);
    assert_non_null(report);
    name_frames(report);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char whole[512];
        struct suppression_list list = {0};
        snprintf(whole, sizeof whole, HEAD "%s\n", rows[i].rule);
        assert_int_equal(load(whole, &none, &list), 0);
        if ((suppression_find(&list, report) != NULL) != rows[i].matches)
            fail_msg("%s", rows[i].rule);
        suppression_list_clear(&list);
    }
    tsan_report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_has_link_version_and_sentence),
        cmocka_unit_test(a_missing_part_is_an_error_with_its_line),
        cmocka_unit_test(another_list_may_leave_things_unsaid),
        cmocka_unit_test(patterns),
        cmocka_unit_test(each_type_of_rule_matches_its_frames),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
