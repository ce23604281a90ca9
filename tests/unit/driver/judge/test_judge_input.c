/* Writes to inputs; results and exceptions that one thread does not see. */
#include "driver/judge/judge_trial.h"

static void a_hidden_write_is_the_targets_bug(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN | METADATA | SERIAL);
    assert_int_equal(judge(&trial, 1), 1);
    const struct finding *finding = only(&trial);
    assert_int_equal(finding->kind, FINDING_INPUT_MUTATED);
    assert_int_equal(finding->severity, SEVERITY_HIDDEN_MUTATION);
    assert_int_equal(finding->detector, DETECTOR_TRIPWIRE);
    assert_int_equal(finding->blame, BLAME_TARGET);
    assert_int_equal(finding->rung, RUNG_READONLY);
    assert_true(finding->serial && finding->count == 2);
    assert_string_equal(finding->function, "guilty");
    assert_string_equal(finding->package, "planted 1.2");
    assert_string_equal(finding->input, "x");
    assert_string_equal(finding->statement, "f(x)");
    assert_string_equal(
        finding->message,
        "guilty (planted 1.2) writes to the metadata of its input x and puts it back before it returns");
    assert_non_null(strstr(finding->plan, "- f(x)"));
    assert_int_equal(finding->nstacks, 1);
    assert_string_equal(finding->stacks[0].title, "its shape became (40,), was (20,)");
    end(&trial);
}

static void writes_of_one_function_are_one_finding(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN);
    add_write(&trial, guilty, HIDDEN);
    add_write(&trial, accomplice, HIDDEN);
    assert_int_equal(judge(&trial, 1), 2);
    next_outcome(&trial);
    add_write(&trial, guilty, HIDDEN | SERIAL);
    assert_int_equal(judge(&trial, 2), 0);
    const struct finding *finding = trial.run.findings.items[0];
    assert_true(finding->count == 6 && finding->serial);
    assert_int_equal(finding->hit, 2);
    assert_int_equal(finding->nstacks, 1);
    assert_int_equal(finding->nalso_in, 0);
    end(&trial);
}

static void add_write_of(struct trial *trial, const char *statement)
{
    add_write(trial, guilty, HIDDEN);
    struct record *record = trial->outcome.records[trial->outcome.nrecords - 1];
    struct record other;
    record_begin(&other, RECORD_WRITE, 0);
    memcpy(other.values, record->values, sizeof other.values);
    record_add_text(&other, "x");
    record_add_text(&other, statement);
    record_add_text(&other, record_text(record, 2));
    record_add_frames(&other, record->frames, record->nframes);
    add_record(trial, &other);
}

static void each_statement_of_a_function_is_listed(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write_of(&trial, "g(x)");
    add_write_of(&trial, "h(x)");
    add_write_of(&trial, "g(x)");
    judge(&trial, 1);
    const struct finding *finding = only(&trial);
    assert_string_equal(finding->statement, "f(x)");
    assert_int_equal(finding->nalso_in, 2);
    assert_string_equal(finding->also_in[0], "g(x)");
    assert_string_equal(finding->also_in[1], "h(x)");
    end(&trial);
}

static void a_write_without_a_stack_is_still_reported(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, NULL, HIDDEN);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->blame, BLAME_UNKNOWN);
    assert_null(only(&trial)->function);
    assert_int_equal(only(&trial)->nstacks, 0);
    end(&trial);
}

static void the_same_value_is_a_note(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, SAME);
    add_write(&trial, NULL, SAME | SERIAL);
    assert_silent(&trial);
    assert_noted(&trial,
                 "value-benign: guilty (planted) writes to its input x the value that is there already: ");
    assert_noted(&trial, "value-benign: a function without a name (unknown package)");
    assert_int_equal(trial.run.in_place.n, 0);
    end(&trial);
}

static void a_kept_serial_write_is_a_note(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, KEPT | SERIAL);
    assert_silent(&trial);
    assert_noted(&trial, "in-place API");
    assert_int_equal(trial.run.in_place.n, 1);
    assert_string_equal(trial.run.in_place.items[0], "guilty");
    end(&trial);
}

static void a_write_kept_under_threads_is_a_note(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, KEPT);
    assert_silent(&trial);
    assert_noted(&trial, "only while other threads ran");
    assert_int_equal(trial.run.in_place.n, 0);
    end(&trial);
}

static void only_an_exception_of_threads_counts(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_exception(&trial, false, true);
    assert_silent(&trial);
    assert_int_equal(trial.run.notes.n, 0);
    add_exception(&trial, true, false);
    assert_silent(&trial);
    assert_noted(
        &trial,
        "somersd(x) raises ValueError: Rankings must be of equal length. under threads: no finding, because the "
        "statements may change what they share");
    add_exception(&trial, false, false);
    assert_int_equal(judge(&trial, 1), 1);
    assert_int_equal(only(&trial)->kind, FINDING_EXCEPTION);
    assert_int_equal(only(&trial)->blame, BLAME_TARGET);
    assert_true(only(&trial)->count == 5);
    assert_string_equal(only(&trial)->message,
                        "ValueError: Rankings must be of equal length.; raised by somersd(x), "
                        "never on one thread");
    end(&trial);
}

static void above_readonly_an_exception_has_no_blame(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.plan.share = RUNG_ONE_WRITER;
    add_exception(&trial, false, false);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->blame, BLAME_UNKNOWN);
    assert_int_equal(only(&trial)->rung, RUNG_ONE_WRITER);
    end(&trial);
}

static void a_changed_input_is_found_once_for_all_values(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_invariant(&trial, "x", "its shape became (40,), was (20,)", false);
    add_invariant(&trial, "x", "its shape became (80,), was (40,)", false);
    assert_int_equal(judge(&trial, 1), 1);
    assert_int_equal(only(&trial)->kind, FINDING_INPUT_MUTATED);
    assert_string_equal(
        only(&trial)->message,
        "input x: its shape became (40,), was (20,), while the threads only read it; seen after f(x)");
    assert_int_equal(only(&trial)->severity, SEVERITY_WRONG_RESULT);
    assert_string_equal(only(&trial)->input, "x");
    assert_true(only(&trial)->count == 2);
    end(&trial);
}

static void a_changed_input_is_found_once_for_all_bytes(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_invariant(&trial, "lu[1]", "its data changed, first at byte 0 of 20", false);
    add_invariant(&trial, "lu[1]", "its data changed, first at byte 12 of 20", false);
    assert_int_equal(judge(&trial, 1), 1);
    assert_string_equal(only(&trial)->input, "lu[1]");
    end(&trial);
}

/* A library changes its own object: the statement only reads that, and what follows is no user error. */
static void an_array_inside_an_object_makes_no_user_error(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_invariant(&trial, "m.cache[0]", "its data changed, first at byte 0 of 20", true);
    add_exception(&trial, false, false);
    judge(&trial, 1);
    assert_noted(&trial, " changes arrays inside m for good, on one thread too");
    assert_int_equal(trial.run.notes.n, 1);
    assert_int_equal(only(&trial)->blame, BLAME_TARGET);
    end(&trial);
}

static void a_wrong_result_is_one(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_invariant(&trial, "the result", "lies 8 bytes outside its buffer", false);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->kind, FINDING_WRONG_RESULT);
    end(&trial);
    begin(&trial);
    add_invariant(&trial, "the result", "lies 8 bytes outside its buffer", true);
    assert_silent(&trial);
    assert_noted(&trial, "on one thread too");
    end(&trial);
}

/* An array that the statements change for good, on one thread already: what follows is documented user error. */
static void in_place_statements_make_user_errors(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_invariant(&trial, "x", "its bytes changed", true);
    add_exception(&trial, false, false);
    judge(&trial, 1);
    assert_noted(&trial, "declare the input @out");
    assert_int_equal(only(&trial)->blame, BLAME_USER);
    assert_int_equal(only(&trial)->severity, SEVERITY_USER_ERROR);
    assert_int_equal(only(&trial)->rung, RUNG_ALL);
    end(&trial);
    begin(&trial);
    trial.plan.share = RUNG_PRIVATE;
    add_invariant(&trial, "x", "its bytes changed", true);
    add_exception(&trial, false, false);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->blame, BLAME_TARGET);
    end(&trial);
}

static void add_race(struct trial *trial, const void *address)
{
    struct record record;
    record_begin(&record, RECORD_RACE, 0);
    record.values[RACE_ADDRESS] = (int64_t)address;
    record.values[RACE_SIZE] = record.values[RACE_OTHER_SIZE] = 8;
    record.values[RACE_FRAMES] = 1;
    record_add_text(&record, "");
    record_add_text(&record, "f(x)");
    record_add_frames(&record, (uint64_t[]){(uint64_t)guilty, (uint64_t)accomplice}, 2);
    add_record(trial, &record);
}

/* The shapes of arrays lie in the heap: a race there is the statements', one of a variable is not. */
static void a_race_in_the_heap_is_the_users(void **state)
{
    (void)state;
    static int64_t variable;
    cleanup_free int64_t *block = calloc(1, sizeof *block);
    const void *const places[] = {block, &variable};
    for (size_t i = 0; i < COUNT(places); i++) {
        struct trial trial;
        begin(&trial);
        add_invariant(&trial, "x", "its shape changed", true);
        add_race(&trial, places[i]);
        judge(&trial, 1);
        assert_int_equal(only(&trial)->kind, FINDING_DATA_RACE);
        assert_int_equal(only(&trial)->blame, i == 0 ? BLAME_USER : BLAME_TARGET);
        end(&trial);
    }
}

/* An earlier child may have ended before it saw the change. */
static void what_one_child_saw_holds_for_the_one_before(void **state)
{
    (void)state;
    for (int same = 0; same < 2; same++) {
        struct trial trial;
        begin(&trial);
        if (!same)
            trial.plan.steps[0][0] = 'g'; /* a plan without the statement */
        add_exception(&trial, false, false);
        judge(&trial, 1);
        assert_int_equal(only(&trial)->blame, BLAME_TARGET);
        next_outcome(&trial);
        trial.plan.steps[0][0] = 'f';
        add_invariant(&trial, "x", "its bytes changed", true);
        judge(&trial, 2);
        assert_int_equal(only(&trial)->blame, same ? BLAME_USER : BLAME_TARGET);
        end(&trial);
    }
}

/* A later child may end before it has seen the change. */
static void what_one_child_saw_holds_for_the_next(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_invariant(&trial, "x", "its bytes changed", true);
    judge(&trial, 1);
    next_outcome(&trial);
    add_exception(&trial, false, false);
    judge(&trial, 2);
    assert_int_equal(only(&trial)->blame, BLAME_USER);
    end(&trial);
    begin(&trial);
    add_invariant(&trial, "x", "its bytes changed", true);
    judge(&trial, 1);
    next_outcome(&trial);
    trial.plan.steps[0][0] = 'g'; /* a plan without the statement */
    add_exception(&trial, false, false);
    judge(&trial, 2);
    assert_int_equal(only(&trial)->blame, BLAME_TARGET);
    end(&trial);
}

/* The last record of a child counts the rest, and is no finding of its own. */
static void the_last_count_of_an_exception_is_no_finding(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_exception(&trial, false, false);
    struct record record = *trial.outcome.records[0];
    record.values[EXCEPTION_COUNT] = 37;
    record.values[EXCEPTION_AGAIN] = true;
    add_record(&trial, &record);
    assert_int_equal(judge(&trial, 1), 1);
    assert_int_equal(only(&trial)->count, 42);
    end(&trial);
    begin(&trial);
    add_record(&trial, &record);
    assert_silent(&trial);
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hidden_write_is_the_targets_bug),
        cmocka_unit_test(writes_of_one_function_are_one_finding),
        cmocka_unit_test(each_statement_of_a_function_is_listed),
        cmocka_unit_test(a_write_without_a_stack_is_still_reported),
        cmocka_unit_test(the_same_value_is_a_note),
        cmocka_unit_test(a_kept_serial_write_is_a_note),
        cmocka_unit_test(a_write_kept_under_threads_is_a_note),
        cmocka_unit_test(only_an_exception_of_threads_counts),
        cmocka_unit_test(above_readonly_an_exception_has_no_blame),
        cmocka_unit_test(a_changed_input_is_found_once_for_all_values),
        cmocka_unit_test(a_changed_input_is_found_once_for_all_bytes),
        cmocka_unit_test(an_array_inside_an_object_makes_no_user_error),
        cmocka_unit_test(a_wrong_result_is_one),
        cmocka_unit_test(in_place_statements_make_user_errors),
        cmocka_unit_test(a_race_in_the_heap_is_the_users),
        cmocka_unit_test(what_one_child_saw_holds_for_the_one_before),
        cmocka_unit_test(what_one_child_saw_holds_for_the_next),
        cmocka_unit_test(the_last_count_of_an_exception_is_no_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
