/* The status of a sweep, and the reason for status 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_unit.h"

/* Decides the status of a sweep with these rows and findings, as JSON with ' for ". `time` limits it; 0: no limit.
 * *ret_reason: the caller's, or NULL. */
static enum status decide(const char *rows, const char *findings, uint64_t time, json_t **ret_document,
                          char **ret_reason)
{
    struct request request = {0};
    struct mode_run mode = {0};
    struct known_list known = {0};
    struct sweep_board board = {0};
    struct run run = {0};
    json_auto_t *catalogue = json_pack("{s:[]}", "modules");
    const struct sweep sweep = {.request = &request,
                                .mode = &mode,
                                .known = &known,
                                .board = &board,
                                .catalogue = catalogue,
                                .deadline = time};
    char text[1024];
    snprintf(text, sizeof text, "{'callables': [%s], 'findings': [%s], 'verifications': [], 'notes': []}",
             rows, findings);
    for (char *c = text; *c; c++)
        *c = (char)(*c == '\'' ? '"' : *c);
    json_auto_t *result = json_loads(text, 0, NULL);
    assert_non_null(result);
    *ret_document = sweep_report_result(&sweep, &run, result);
    enum status status = run.status;
    *ret_reason = run.reason;
    run.reason = NULL;
    run_clear(&run);
    return status;
}

static const char *reason_of(const char *rows, const char *findings, uint64_t time, enum status expected)
{
    static char text[256];
    json_auto_t *document = NULL;
    char *reason;
    assert_int_equal(decide(rows, findings, time, &document, &reason), expected);
    assert_string_equal(document_text(document, "verdict"), expected == STATUS_CLEAN     ? "clean"
                                                            : expected == STATUS_FINDING ? "finding"
                                                                                         : "untested");
    snprintf(text, sizeof text, "%s", reason ? reason : "");
    free(reason);
    return text;
}

static void one_that_returned_is_enough(void **state)
{
    (void)state;
    assert_string_equal(
        reason_of("{'name': 'm.f', 'raised': 9}, {'name': 'm.g', 'returned': 1}", "", 0, STATUS_CLEAN), "");
}

static void nothing_is_clean_where_no_call_returned(void **state)
{
    (void)state;
    static const char rows[] = "{'name': 'm.f', 'raised': 9}, {'name': 'm.g', 'out_of_time': 2},"
                               "{'name': 'm.h', 'why': 'denied: it starts a process'}";
    const char *reason = reason_of(rows, "", 0, STATUS_UNTESTED);
    assert_non_null(strstr(reason, "no call returned, see the table for the reasons"));
    assert_non_null(strstr(reason, "arguments of your own in `ftstress run`"));
    reason = reason_of(rows, "", CLOCK_SECOND, STATUS_UNTESTED); /* more time changes nothing */
    assert_null(strstr(reason, "--time"));
}

static void nothing_is_clean_where_nothing_can_be_called(void **state)
{
    (void)state;
    assert_non_null(
        strstr(reason_of("{'name': 'm.h', 'why': 'denied: it starts a process'}", "", 0, STATUS_UNTESTED),
               "no callable can be called with simple arguments"));
}

/* A callable without a call that ended may have one that returns. */
static void more_time_may_help(void **state)
{
    (void)state;
    static const char *const rows[] = {"{'name': 'm.f', 'raised': 9}, {'name': 'm.g', 'not_made': 3}",
                                       "{'name': 'm.g', 'why': '" UNIT_NO_TURN "'}"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(reason_of(rows[i], "", CLOCK_SECOND, STATUS_UNTESTED),
                            "no call returned before the time was over; give it more --time");
}

/* A call that shows a finding was judged, also where the finding is known. */
static void a_finding_is_known_of_a_call(void **state)
{
    (void)state;
    static const char rows[] = "{'name': 'm.f', 'crashed': 2, 'findings': ['F1']}";
    reason_of(rows, "{'id': 'F1', 'blame': 'target', 'known': null}", 0, STATUS_FINDING);
    reason_of(rows, "{'id': 'F1', 'blame': 'user', 'known': null}", 0, STATUS_CLEAN);
}

/* merge excuses such a shard. */
static void the_report_marks_it(void **state)
{
    (void)state;
    static const char *const rows[] = {"{'name': 'm.f', 'raised': 9}", "{'name': 'm.f', 'not_made': 9}"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_auto_t *document = NULL;
        char *reason;
        decide(rows[i], "", CLOCK_SECOND, &document, &reason);
        free(reason);
        assert_int_equal(document_is_true(json_object_get(document, "sweep"), "none_returned"), i == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_returned_is_enough),
        cmocka_unit_test(nothing_is_clean_where_no_call_returned),
        cmocka_unit_test(nothing_is_clean_where_nothing_can_be_called),
        cmocka_unit_test(more_time_may_help),
        cmocka_unit_test(a_finding_is_known_of_a_call),
        cmocka_unit_test(the_report_marks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
