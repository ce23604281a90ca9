/* Statements as children report them, and which one is left out if it ends every child. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/session/unmask.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void tell(struct outcome *outcome, int number, unsigned role, const char *source, const char *modules)
{
    struct record record;
    record_begin(&record, RECORD_STATEMENT, RECORD_MAIN);
    record.values[STATEMENT_NUMBER] = number;
    record.values[STATEMENT_ROLE] = role;
    record_add_text(&record, source);
    record_add_text(&record, "x");
    record_add_text(&record, modules);
    assert_int_equal(outcome_add(outcome, &record), 0);
}

static void own(struct outcome *outcome, const char *path, const char *name, const char *owner)
{
    struct record record;
    record_begin(&record, RECORD_PACKAGE, RECORD_MAIN);
    record_add_text(&record, path);
    record_add_text(&record, name);
    record_add_text(&record, owner);
    assert_int_equal(outcome_add(outcome, &record), 0);
}

static void crash_in(struct outcome *outcome, const char *statement)
{
    struct record record;
    record_begin(&record, RECORD_CRASH, 0);
    record_add_text(&record, statement);
    assert_int_equal(outcome_add(outcome, &record), 0);
    outcome->wait_status = SIGSEGV;
    outcome->phase = BOARD_RUN;
}

static void statements_have_their_package(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    struct statement_list list = {0};
    own(&outcome, "/v/site-packages/yaml/_yaml.so", "yaml._yaml", "PyYAML 6.0");
    own(&outcome, "/v/site-packages/plain.py", "plain", "plain 1.0");
    own(&outcome, "/v/mine.so", "mine", "");
    tell(&outcome, 0, 0, "yaml.load(x)", "yaml,builtins");
    tell(&outcome, 1, 0, "plain.f()", "plain");
    tell(&outcome, 2, 0, "mine.f()", "mine");
    tell(&outcome, -1, 0, "left()", "yaml");
    statement_learn(&list, &outcome);
    statement_learn(&list, &outcome);
    assert_int_equal(list.n, 3);
    assert_string_equal(list.items[0].package, "PyYAML 6.0");
    assert_null(list.items[1].package);
    assert_string_equal(list.items[2].package, "mine");
    assert_ptr_equal(statement_find(&list, "mine.f()"), &list.items[2]);
    assert_null(statement_find(&list, "left()"));
    assert_string_equal(statement_at(&outcome.statements, 5, 1)->source, "plain.f()");
    assert_null(statement_at(&outcome.statements, 0, 3));
    statement_list_clear(&list);
    outcome_clear(&outcome);
}

/* A role without statements has a number, so that other roles keep theirs, and no place in the list. */
static void a_stand_in_is_no_statement(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    struct statement_list list = {0};
    tell(&outcome, 0, 0, "a()", "");
    tell(&outcome, 1, 1, "", "");
    tell(&outcome, -1, 0, "b()", "");
    statement_learn(&list, &outcome);
    assert_int_equal(list.n, 1);
    assert_string_equal(list.items[0].source, "a()");
    assert_string_equal(statement_at(&outcome.statements, 2, 0)->source, "a()");
    assert_string_equal(statement_at(&outcome.statements, 3, 0)->source, "");
    statement_list_clear(&list);
    outcome_clear(&outcome);
}

/* Children that leave a statement out number the others differently. */
static void overlap_is_counted_by_statement(void **state)
{
    (void)state;
    struct outcome first = {0}, second = {0};
    struct statement_list list = {0};
    static struct statement_overlap overlap;
    tell(&first, 0, 0, "a()", "");
    tell(&first, 1, 0, "b()", "");
    first.overlap.looks[0] = 10;
    first.overlap.pairs[0][1] = 4;
    tell(&second, -1, 0, "a()", "");
    tell(&second, 0, 0, "b()", "");
    second.overlap.looks[0] = 7;
    second.overlap.pairs[0][0] = 3;
    statement_learn(&list, &first);
    statement_count(&list, &first, &overlap);
    statement_count(&list, &second, &overlap);
    assert_int_equal(overlap.looks[0], 10);
    assert_int_equal(overlap.looks[1], 7);
    assert_int_equal(overlap.pairs[0][1], 4);
    assert_int_equal(overlap.pairs[1][1], 3);
    statement_list_clear(&list);
    outcome_clear(&first);
    outcome_clear(&second);
}

static void see(struct run *run, const char *signature, enum severity severity, const char *statement)
{
    struct finding *finding = calloc(1, sizeof *finding);
    *finding = (struct finding){.kind = FINDING_CRASH,
                                .severity = severity,
                                .detector = DETECTOR_CRASH,
                                .message = strdup("m"),
                                .statement = strdup(statement),
                                .signature = strdup(signature)};
    finding_list_add(&run->findings, finding, run->children);
}

/* Runs one more child that dies in the statement. Returns whether one more is left out. */
static bool die(struct unmask *unmask, struct run *run, const char *statement)
{
    struct outcome outcome = {0};
    run->children++;
    tell(&outcome, 0, 0, "a()", "");
    tell(&outcome, 1, 0, "b()", "");
    statement_learn(&run->statements, &outcome);
    crash_in(&outcome, statement);
    see(run, statement, SEVERITY_CRASH, statement);
    bool more = unmask_learn(unmask, run, &outcome);
    outcome_clear(&outcome);
    return more;
}

static void a_statement_that_ends_every_child_is_left_out(void **state)
{
    (void)state;
    struct plan plan = {.threads = 4};
    struct unmask unmask;
    struct run run = {0};
    unmask_init(&unmask, &plan);
    assert_false(die(&unmask, &run, "a()"));
    assert_false(die(&unmask, &run, "a()"));
    assert_int_equal(unmask.plan.nleave_out, 0);
    assert_true(die(&unmask, &run, "a()"));
    assert_int_equal(unmask.plan.nleave_out, 1);
    assert_string_equal(unmask.plan.leave_out[0], "a()");
    char note[256];
    snprintf(
        note, sizeof note,
        "%s ended 3 children or their rounds: from child 4 on the run leaves out `a()`, to see what lies "
        "behind it",
        run.findings.items[0]->id);
    assert_int_equal(run.notes.n, 1);
    assert_string_equal(run.notes.items[0], note);
    assert_int_equal(run.findings.items[0]->out_from, 4);
    assert_null(run.findings.items[0]->behind);
    /* What is new now was behind it; and the last statement is kept, whatever it does. */
    for (int i = 0; i < 5; i++)
        assert_false(die(&unmask, &run, "b()"));
    assert_string_equal(run.findings.items[1]->behind, run.findings.items[0]->id);
    assert_int_equal(unmask.plan.nleave_out, 1);
    unmask_clear(&unmask);
    run_clear(&run);
}

static void the_one_mutation_explains_the_crashes(void **state)
{
    (void)state;
    struct plan plan = {.threads = 4};
    struct unmask unmask;
    struct run run = {0};
    see(&run, "mutation", SEVERITY_HIDDEN_MUTATION, "a()");
    unmask_init(&unmask, &plan);
    for (int i = 0; i < 3; i++)
        die(&unmask, &run, "b()");
    assert_int_equal(unmask.plan.nleave_out, 1);
    assert_string_equal(unmask.plan.leave_out[0], "a()");
    unmask_clear(&unmask);
    run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_have_their_package),
        cmocka_unit_test(a_stand_in_is_no_statement),
        cmocka_unit_test(overlap_is_counted_by_statement),
        cmocka_unit_test(a_statement_that_ends_every_child_is_left_out),
        cmocka_unit_test(the_one_mutation_explains_the_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
