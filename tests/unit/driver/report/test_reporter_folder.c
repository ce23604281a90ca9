/* Reporters: how kept reports are found in a folder. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "driver/finding/finding.h"
#include "driver/report/document.h"
#include "driver/report/report.h"

#include "folder.h"
#include "rendered.h"

static char directory[] = "/tmp/ftstress-reporter-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return folder_remove(directory);
}

static void keep(const char *name, json_t *json)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(fd_make_dirs(path), 0);
    *slash = '/';
    assert_int_equal(json_dump_file(json, path, 0), 0);
    json_decref(json);
}

static json_t *load(const char *what)
{
    char error[512] = "";
    json_t *report = NULL;
    if (report_load(directory, what, &report, error, sizeof error) < 0)
        fail_msg("%s: %s", what ? what : "the last run", error);
    return report;
}

static void assert_cannot_load(const char *out, const char *what, const char *words)
{
    char error[512] = "";
    json_t *report;
    assert_true(report_load(out, what, &report, error, sizeof error) < 0);
    assert_says(error, words);
}

static void kept_reports_are_found(void **state)
{
    (void)state;
    cleanup_free char *folder = NULL, *file = NULL, *whole = NULL;
    assert_true(asprintf(&folder, "%s/F0123456", directory) > 0);
    assert_true(asprintf(&file, "%s/finding.json", folder) > 0);
    assert_true(asprintf(&whole, "%s/report.json", directory) > 0);
    assert_cannot_load(directory, NULL, "begin with `ftstress run`");
    assert_cannot_load(directory, "F0123456",
                       "there is no finding or report 'F0123456', here or under /tmp/");
    assert_cannot_load(directory, "F0123456", "; see `ftstress list findings`");
    json_t *report = report_with(make_finding("crash"));
    json_array_append_new(json_object_get(report, "findings"), make_finding("hang"));
    keep("report.json", report);
    keep("F0123456/finding.json", make_finding("crash"));
    const char *const alone[] = {"F0123456", folder, file}, *const all[] = {NULL, whole, directory};
    for (size_t i = 0; i < 3; i++) {
        json_t *one = load(alone[i]), *run = load(all[i]);
        assert_int_equal(json_array_size(json_object_get(one, "findings")), 1);
        assert_string_equal(document_text(json_object_get(one, "environment"), "gil"), "off");
        assert_int_equal(json_array_size(json_object_get(run, "findings")), 2);
        json_decref(one);
        json_decref(run);
    }
}

/* The environment of the last run says nothing about a finding of another one. */
static void a_finding_of_an_earlier_run_keeps_its_own_environment(void **state)
{
    (void)state;
    json_t *finding = make_finding("hang");
    json_object_set_new(finding, "id", json_string("F0000001"));
    json_object_set_new(finding, "environment", parse("{'gil': 'on'}"));
    keep("F0000001/finding.json", finding);
    finding = make_finding("hang");
    json_object_set_new(finding, "id", json_string("F0000002"));
    keep("F0000002/finding.json", finding);
    json_t *known = load("F0000001"), *unknown = load("F0000002");
    assert_string_equal(document_text(json_object_get(known, "environment"), "gil"), "on");
    assert_string_equal(document_text(json_object_get(unknown, "environment"), "gil"), "");
    assert_all_forms(known);
    assert_all_forms(unknown);
    assert_int_equal(strlen(document_text(unknown, "date")), 19);
    cleanup_free char *text = render("text", known);
    assert_says(text,
                "note: this finding is of an earlier run; the number of calls of that run was not kept\n");
    json_decref(known);
    json_decref(unknown);
}

static void a_file_that_may_not_be_read_is_not_missing(void **state)
{
    (void)state;
    cleanup_free char *folder = NULL;
    if (geteuid() != 0)
        skip();
    keep("closed/F0000003/finding.json", make_finding("hang"));
    assert_true(asprintf(&folder, "%s/closed", directory) > 0);
    assert_int_equal(chmod(directory, 0755) | chmod(folder, 0700), 0);
    assert_int_equal(seteuid(65534), 0);
    assert_cannot_load(folder, "F0000003", "finding.json: Permission denied");
    assert_cannot_load(folder, NULL, "report.json: Permission denied");
    assert_int_equal(seteuid(0), 0);
}

/* A finding of this folder keeps its id, and its evidence, whatever another run finds. */
static void kept_ids_are_read_with_their_signatures(void **state)
{
    (void)state;
    char out[256];
    struct finding_list list = {0};
    snprintf(out, sizeof out, "%s/kept", directory);
    assert_int_equal(report_kept(out, &list), 0);
    assert_int_equal(list.nkept, 0);
    keep("kept/F0000001/finding.json", json_pack("{s:s}", "signature", "crash|f"));
    keep("kept/F0000002/finding.json", json_pack("[]"));
    keep("kept/F0000003/plan.json", json_pack("[]"));
    assert_int_equal(report_kept(out, &list), 0);
    assert_int_equal(list.nkept, 4);
    assert_string_equal(list.kept[0], "F0000001");
    assert_string_equal(list.kept[1], "crash|f");
    assert_string_equal(list.kept[2], "F0000002");
    assert_string_equal(list.kept[3], "");
    finding_list_clear(&list);
}

static void other_files_are_refused(void **state)
{
    (void)state;
    keep("other.json", parse("{'schema': 'x'}"));
    cleanup_free char *path = NULL;
    assert_true(asprintf(&path, "%s/other.json", directory) > 0);
    assert_cannot_load(directory, path,
                       "is no report of ftstress (ftstress-report/1); name one that --json wrote");
    assert_int_equal(fd_write_file(path, "{\"a\": ", 6), 0);
    assert_cannot_load(directory, path, "cannot read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_reports_are_found),
        cmocka_unit_test(a_finding_of_an_earlier_run_keeps_its_own_environment),
        cmocka_unit_test(a_file_that_may_not_be_read_is_not_missing),
        cmocka_unit_test(kept_ids_are_read_with_their_signatures),
        cmocka_unit_test(other_files_are_refused),
    };
    return cmocka_run_group_tests_name("reporter_folder", tests, set_up, tear_down);
}
