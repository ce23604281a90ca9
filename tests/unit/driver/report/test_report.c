/* The document of a run, and what is kept on disk. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"

#include "driver/report/report_run.h"

static void assert_keys(const json_t *json, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!json_object_get(json, keys[i]))
            fail_msg("there is no key \"%s\"", keys[i]);
}

static void assert_text(const json_t *json, const char *key, const char *text)
{
    assert_non_null(json_string_value(json_object_get(json, key)));
    assert_string_equal(json_string_value(json_object_get(json, key)), text);
}

static void json_has_the_stable_keys(void **state)
{
    (void)state;
    static const char *const keys[] = {"schema",  "seed",    "verdict",     "reason",  "calls",
                                       "seconds", "overlap", "environment", "findings"};
    static const char *const finding_keys[] = {"id",        "kind",   "severity",     "function", "message",
                                               "rung",      "blame",  "blame_reason", "count",    "runs",
                                               "signature", "stacks", "block",        "array",    "plan"};
    struct run run;
    begin(&run);
    add_finding(&run, "input-mutated|PyArray_Repeat|hidden");
    run.status = STATUS_FINDING;
    json_t *json = parse(&run), *finding = json_array_get(json_object_get(json, "findings"), 0);
    assert_keys(json, keys, COUNT(keys));
    assert_keys(finding, finding_keys, COUNT(finding_keys));
    assert_text(json, "schema", "ftstress-report/1");
    assert_text(json, "verdict", "finding");
    assert_true(json_is_null(json_object_get(json, "reason")));
    assert_true(json_integer_value(json_object_get(json, "seed")) == INT64_MAX);
    assert_true(json_integer_value(json_object_get(json, "calls")) == 3900);
    assert_float_equal(json_real_value(json_object_get(json, "overlap")), 0.31, 1e-6);
    assert_text(json_object_get(json, "environment"), "numpy", "2.2.2");
    json_decref(json);
    run_clear(&run);
}

static void json_has_the_finding(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    const struct finding *kept = add_finding(&run, "s");
    json_t *json = parse(&run), *finding = json_array_get(json_object_get(json, "findings"), 0);
    assert_text(finding, "id", kept->id);
    assert_text(finding, "kind", "input-mutated");
    assert_text(finding, "rung", "readonly");
    assert_text(finding, "blame", "target");
    assert_text(finding, "function", "PyArray_Repeat");
    assert_text(json_object_get(finding, "array"), "name", "x");
    assert_text(json_object_get(finding, "plan"), "yaml", "name: repeat\n");
    json_t *runs = json_object_get(finding, "runs"),
           *stack = json_array_get(json_object_get(finding, "stacks"), 0);
    assert_true(json_integer_value(json_object_get(runs, "hit")) == 1);
    assert_true(json_integer_value(json_object_get(runs, "of")) == 4);
    json_t *frames = json_object_get(stack, "frames"), *frame = json_array_get(frames, 0);
    assert_int_equal(json_array_size(frames), 4);
    assert_text(frame, "offset", "0x1234");
    assert_text(frame, "file", "item_selection.c");
    assert_true(json_is_null(json_object_get(json_array_get(frames, 1), "function")));
    json_decref(json);
    run_clear(&run);
}

static void json_of_an_empty_report_is_whole(void **state)
{
    (void)state;
    struct run run = {.status = STATUS_UNTESTED, .reason = strdup("numpy is missing")};
    json_t *json = parse(&run);
    assert_text(json, "verdict", "untested");
    assert_text(json, "reason", "numpy is missing");
    assert_int_equal(json_array_size(json_object_get(json, "findings")), 0);
    json_decref(json);
    run_clear(&run);
}

static void json_of_a_clean_run_is_clean(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    json_t *json = parse(&run);
    assert_text(json, "verdict", "clean");
    json_decref(json);
    run_clear(&run);
}

static void set(char **text, const char *value)
{
    free(*text);
    *text = strdup(value);
}

static void bytes_that_are_no_utf8_survive(void **state)
{
    (void)state;
    static const char bad[] = "caf\xe9 \xff\xfe \xc3 \x80 \xed\xa0\x80 tail";
    struct run run;
    begin(&run);
    struct finding *finding = add_finding(&run, "s");
    set(&finding->message, bad);
    set(&finding->log_end, bad);
    set(&finding->plan, bad);
    set(&finding->input, bad);
    set(&finding->function, bad);
    set(&finding->stacks[0].title, bad);
    set(&finding->stacks[0].stack.frames[0].function, bad);
    set(&finding->stacks[0].stack.frames[0].file, bad);
    set(&run.name, bad);
    add_environment(&run, "lib=\xff\xfe");
    note_add(&run.notes, "%s", bad);
    json_t *json = parse(&run);
    json_t *kept = json_array_get(json_object_get(json, "findings"), 0);
    assert_non_null(strstr(json_string_value(json_object_get(kept, "message")), "tail"));
    assert_non_null(strstr(json_string_value(json_object_get(kept, "evidence")), "tail"));
    assert_int_equal(json_array_size(json_object_get(kept, "stacks")), 1);
    assert_int_equal(json_array_size(json_object_get(json, "notes")), 1);
    assert_text(json_object_get(json, "environment"), "lib", "??");
    json_decref(json);
    run_clear(&run);
}

static void good_utf8_and_control_bytes_stay(void **state)
{
    (void)state;
    static const char text[] = "\xe6\x97\xa5 \"quoted\" \\ \x01\x1b[1m\ttab";
    struct run run;
    begin(&run);
    set(&add_finding(&run, "s")->message, text);
    json_t *json = parse(&run);
    assert_text(json_array_get(json_object_get(json, "findings"), 0), "message", text);
    json_decref(json);
    run_clear(&run);
}

/* On disk. */

static int keep(const struct run *run, const char *out)
{
    json_t *document = report_document(run);
    int error = report_keep(run, document, out);
    json_decref(document);
    return error;
}

static char *read_kept(const char *out, const struct finding *finding, const char *name)
{
    char path[256], *text;
    snprintf(path, sizeof path, "%s/%s/%s", out, finding->id, name);
    return fd_read_file(path, &text, NULL) == 0 ? text : NULL;
}

static void a_finding_is_kept_in_three_files(void **state)
{
    (void)state;
    struct run run;
    char out[64];
    begin(&run);
    snprintf(out, sizeof out, "%s/deep/er", directory);
    const struct finding *finding = add_finding(&run, "s");
    add_finding(&run, "t");
    for (int again = 0; again < 2; again++)
        assert_int_equal(keep(&run, out), 0);
    cleanup_free char *json = read_kept(out, finding, "finding.json"),
                      *plan = read_kept(out, finding, "plan.yaml");
    cleanup_free char *log = read_kept(out, finding, "stderr.txt");
    cleanup_free char *other = read_kept(out, run.findings.items[1], "finding.json");
    assert_string_equal(plan, "name: repeat\n");
    assert_string_equal(log, "free(): invalid size\n");
    assert_non_null(other);
    json_t *object = json_loads(json, 0, NULL);
    assert_text(object, "id", finding->id);
    json_decref(object);
    run_clear(&run);
}

static void missing_parts_are_not_written(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    struct finding *finding = add_finding(&run, "u");
    free(finding->log_end);
    finding->log_end = NULL;
    assert_int_equal(keep(&run, directory), 0);
    assert_null(read_kept(directory, finding, "stderr.txt"));
    run_clear(&run);
}

/* Of a disk with room for the plan and not for the finding. */
static void a_finding_that_does_not_fit_leaves_no_folder(void **state)
{
    (void)state;
    struct run run;
    char out[64], dir[96];
    struct rlimit limit, small;
    begin(&run);
    snprintf(out, sizeof out, "%s/full", directory);
    snprintf(dir, sizeof dir, "%s/%s", out, add_finding(&run, "s")->id);
    getrlimit(RLIMIT_FSIZE, &limit);
    small = (struct rlimit){.rlim_cur = 100, .rlim_max = limit.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    json_t *document = report_document(&run);
    const json_t *finding = json_array_get(json_object_get(document, "findings"), 0);
    assert_true(json_is_string(json_object_get(finding, "reproduce")));
    assert_int_equal(report_keep_findings(&run, document, out), -EFBIG);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(access(dir, F_OK), -1);
    assert_true(json_is_null(json_object_get(finding, "reproduce")));
    assert_int_equal(report_keep_findings(&run, document, out), 0); /* it fits now, and stays */
    setrlimit(RLIMIT_FSIZE, &small);
    json_t *again = report_document(&run);
    assert_int_equal(report_keep_findings(&run, again, out), -EFBIG);
    setrlimit(RLIMIT_FSIZE, &limit);
    cleanup_free char *kept = read_kept(out, run.findings.items[0], "finding.json");
    assert_non_null(kept);
    finding = json_array_get(json_object_get(again, "findings"), 0);
    assert_true(json_is_string(json_object_get(finding, "reproduce")));
    json_decref(again);
    json_decref(document);
    run_clear(&run);
}

/* `ftstress report` reports the last run, with or without findings. */
static void a_run_without_findings_leaves_its_report(void **state)
{
    (void)state;
    struct run run;
    char out[64], path[96];
    begin(&run);
    snprintf(out, sizeof out, "%s/none", directory);
    snprintf(path, sizeof path, "%s/report.json", out);
    assert_int_equal(keep(&run, out), 0);
    json_t *json = json_load_file(path, 0, NULL);
    assert_text(json, "verdict", "clean");
    json_decref(json);
    assert_true(keep(&run, "/proc/self/nowhere") < 0); /* `report` would show the run before it */
    run_clear(&run);
}

static void a_folder_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    add_finding(&run, "s");
    assert_true(keep(&run, "/proc/self/nowhere") < 0);
    run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_the_stable_keys),
        cmocka_unit_test(json_has_the_finding),
        cmocka_unit_test(json_of_an_empty_report_is_whole),
        cmocka_unit_test(json_of_a_clean_run_is_clean),
        cmocka_unit_test(bytes_that_are_no_utf8_survive),
        cmocka_unit_test(good_utf8_and_control_bytes_stay),
        cmocka_unit_test(a_finding_is_kept_in_three_files),
        cmocka_unit_test(missing_parts_are_not_written),
        cmocka_unit_test(a_finding_that_does_not_fit_leaves_no_folder),
        cmocka_unit_test(a_run_without_findings_leaves_its_report),
        cmocka_unit_test(a_folder_that_cannot_be_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
