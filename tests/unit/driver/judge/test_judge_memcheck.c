/* Findings from a recorded run under Valgrind in two lengths: their owners, and the errors that are left out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "driver/judge/blame.h"
#include "driver/judge/judge.h"
#include "driver/judge/link.h"

static char *steps[] = {"growth_native.bug()", "memcheck_unset.bug()", "heap_uaf_read.bug()"};
static char *environment[] = {"python=3.13.5 (main)"};
static char *packages[] = {
    "/src/ftstress/build/planted/growth_native.cpython-313t-x86_64-linux-gnu.so",  "growth_native",
    "/src/ftstress/build/planted/memcheck_unset.cpython-313t-x86_64-linux-gnu.so", "memcheck_unset",
    "/src/ftstress/build/planted/heap_uaf_read.cpython-313t-x86_64-linux-gnu.so",  "heap_uaf_read"};

struct judged {
    struct plan plan;
    struct run run;
    unsigned children;
};

static void begin(struct judged *scene)
{
    *scene = (struct judged){.plan = {.name = "t",
                                      .steps = steps,
                                      .nsteps = 3,
                                      .threads = 1,
                                      .under = "valgrind",
                                      .detect = DETECTOR_BIT(DETECTOR_MEMCHECK)},
                             .run = {.memcheck.on = true}};
}

static void add_arm(struct outcome *outcome, int64_t calls)
{
    struct record record;
    record_begin(&record, RECORD_ARM, RECORD_MAIN);
    record.values[ARM_NPOINTS] = 2;
    record.values[ARM_POINTS + 1] = calls;
    outcome_add(outcome, &record);
}

static void add_statement(struct outcome *outcome, unsigned number)
{
    struct record record;
    record_begin(&record, RECORD_STATEMENT, RECORD_MAIN);
    record.values[STATEMENT_NUMBER] = number;
    record_add_text(&record, steps[number]);
    outcome_add(outcome, &record);
}

/* Judges a child that made `calls` calls and wrote this log, after `from` is replaced by `to` in it (NULL: not).
 * Without a name there is no log. */
static void judge_log(struct judged *scene, const char *name, int64_t calls, const char *from, const char *to)
{
    char path[512], *text = NULL, *at;
    size_t size = 0;
    struct outcome outcome = {.environment = environment,
                              .nenvironment = 1,
                              .packages = packages,
                              .npackages = sizeof packages / sizeof *packages,
                              .finished = true};
    snprintf(path, sizeof path, "%s/valgrind/%s", FTSTRESS_LOGS, name ? name : "");
    assert_int_equal(name ? fd_read_file(path, &text, &size) : 0, 0);
    while (from && (at = strstr(text, from)))
        memcpy(at, to, strlen(to));
    add_arm(&outcome, calls);
    for (unsigned i = 0; i < 3; i++)
        add_statement(&outcome, i);
    outcome.tool_log = text;
    outcome.tool_log_size = size;
    judge_outcome(&scene->run, &scene->plan, &outcome, ++scene->children);
    blame_findings(&scene->run);
    outcome.environment = outcome.packages = NULL;
    outcome.nenvironment = outcome.npackages = 0;
    outcome.tool_log = NULL;
    outcome_clear(&outcome);
    free(text);
}

static const struct finding *find(const struct judged *scene, enum finding_kind kind)
{
    for (size_t i = 0; i < scene->run.findings.n; i++)
        if (scene->run.findings.items[i]->kind == kind)
            return scene->run.findings.items[i];
    return NULL;
}

static void assert_noted(const struct judged *scene, const char *note)
{
    for (size_t i = 0; i < scene->run.notes.n; i++)
        if (strcmp(scene->run.notes.items[i], note) == 0)
            return;
    fail_msg("there is no note: %s", note);
}

static void errors_are_the_targets(void **state)
{
    (void)state;
    struct judged scene;
    begin(&scene);
    judge_log(&scene, "short.xml", 4, NULL, NULL);
    assert_int_equal(scene.run.findings.n, 2);
    const struct finding *unset = find(&scene, FINDING_WRONG_RESULT),
                         *read = find(&scene, FINDING_USE_AFTER_FREE);
    assert_non_null(unset);
    assert_non_null(read);
    assert_string_equal(unset->function, "is_odd");
    assert_string_equal(unset->package, "memcheck_unset");
    assert_string_equal(unset->statement, "memcheck_unset.bug()");
    assert_int_equal(unset->blame, BLAME_TARGET);
    assert_int_equal(unset->count, 6);
    assert_string_equal(read->message,
                        "heap_bug (heap_uaf_read): Invalid read of size 8, 32 bytes inside a block of "
                        "size 64 free'd");
    run_clear(&scene.run);
}

static void three_lengths_prove_a_leak(void **state)
{
    (void)state;
    struct judged scene;
    begin(&scene);
    judge_log(&scene, "short.xml", 12, NULL, NULL);
    judge_log(&scene, "long.xml", 24, NULL, NULL);
    assert_null(find(&scene, FINDING_MEMORY_GROWTH));
    judge_log(&scene, "long.xml", 27, "<leakedblocks>8</leakedblocks>", "<leakedblocks>9</leakedblocks>");
    const struct finding *leak = find(&scene, FINDING_MEMORY_GROWTH);
    assert_non_null(leak);
    assert_string_equal(leak->message,
                        "bug (growth_native) loses in each iteration: 64.0 bytes of memory in 1.00 blocks");
    assert_int_equal(leak->detector, DETECTOR_MEMCHECK);
    assert_string_equal(leak->statement, "growth_native.bug()");
    assert_int_equal(leak->blame, BLAME_TARGET);
    assert_int_equal(leak->nlines, 1);
    assert_string_equal(leak->lines[0], "definitely: 384 bytes in 6 blocks, then 640 in 10");
    run_clear(&scene.run);
}

static void growth_without_a_third_length_is_no_leak(void **state)
{
    (void)state;
    struct judged scene;
    begin(&scene);
    judge_log(&scene, "short.xml", 4, NULL, NULL);
    judge_log(&scene, "long.xml", 8, NULL, NULL);
    judge_log(&scene, "long.xml", 12, NULL, NULL);
    assert_null(find(&scene, FINDING_MEMORY_GROWTH));
    run_clear(&scene.run);
}

static void a_single_block_is_no_leak(void **state)
{
    (void)state;
    struct judged scene;
    begin(&scene);
    judge_log(&scene, "long.xml", 4, NULL, NULL);
    judge_log(&scene, "long.xml", 8, NULL, NULL);
    assert_int_equal(scene.run.memcheck.n, 2);
    assert_null(find(&scene, FINDING_MEMORY_GROWTH));
    assert_null(memcheck_why_not_clean(&scene.run.memcheck));
    run_clear(&scene.run);
}

static void errors_of_others_are_left_out(void **state)
{
    (void)state;
    struct judged scene;
    begin(&scene);
    packages[2] = "/elsewhere.so";
    judge_log(&scene, "short.xml", 4, NULL, NULL);
    packages[2] = "/src/ftstress/build/planted/memcheck_unset.cpython-313t-x86_64-linux-gnu.so";
    assert_null(find(&scene, FINDING_WRONG_RESULT));
    assert_noted(&scene,
                 "memcheck: values that were never set, used by code of no package in 1 place, are left out");
    run_clear(&scene.run);
}

static void damage_that_the_interpreter_meets_has_no_owner(void **state)
{
    (void)state;
    struct judged scene;
    begin(&scene);
    packages[4] = "/elsewhere.so";
    judge_log(&scene, "short.xml", 4, NULL, NULL);
    packages[4] = "/src/ftstress/build/planted/heap_uaf_read.cpython-313t-x86_64-linux-gnu.so";
    const struct finding *read = find(&scene, FINDING_USE_AFTER_FREE);
    assert_non_null(read);
    assert_string_equal(read->message,
                        "error inside the interpreter, probably from earlier damage: Invalid read of size "
                        "8, 32 bytes inside a block of size 64 free'd");
    assert_int_equal(read->blame, BLAME_UNKNOWN);
    assert_string_equal(read->lines[0],
                        "an object may have been released too often: --detect refcount may name it");
    run_clear(&scene.run);
}

static void other_errors_are_notes(void **state)
{
    (void)state;
    struct judged scene;
    begin(&scene);
    judge_log(&scene, "short.xml", 4, "<kind>InvalidRead</kind>", "<kind>FishyRead!!</kind>");
    assert_null(find(&scene, FINDING_USE_AFTER_FREE));
    assert_noted(&scene, "memcheck also reports: Invalid read of size 8");
    run_clear(&scene.run);
}

static void a_log_without_its_end_has_no_leaks(void **state)
{
    (void)state;
    struct judged scene;
    begin(&scene);
    judge_log(&scene, "short.xml", 4, "</valgrindoutput>", "                 ");
    assert_noted(&scene,
                 "a child ended before Valgrind had looked for leaks: of it, only the errors until then are "
                 "known");
    assert_non_null(find(&scene, FINDING_USE_AFTER_FREE));
    assert_int_equal(scene.run.memcheck.n, 0);
    judge_log(&scene, NULL, 4, NULL, NULL);
    assert_noted(&scene, "Valgrind left no report; --verbose shows its output");
    run_clear(&scene.run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_the_targets),
        cmocka_unit_test(three_lengths_prove_a_leak),
        cmocka_unit_test(growth_without_a_third_length_is_no_leak),
        cmocka_unit_test(a_single_block_is_no_leak),
        cmocka_unit_test(errors_of_others_are_left_out),
        cmocka_unit_test(damage_that_the_interpreter_meets_has_no_owner),
        cmocka_unit_test(other_errors_are_notes),
        cmocka_unit_test(a_log_without_its_end_has_no_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
