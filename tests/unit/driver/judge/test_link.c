/* Links: a finding that explains another one. */
#include "driver/judge/judge_trial.h"
#include "driver/judge/link.h"

static void one_cause_explains_the_rest(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_exception(&trial, false, false);
    add_write(&trial, guilty, HIDDEN | SERIAL);
    add_invariant(&trial, "x", "its shape became (40,), was (20,)", false);
    add_crash(&trial, SIGABRT, NULL);
    print(&trial, "free(): invalid size\n");
    assert_int_equal(judge(&trial, 1), 4);
    settle(&trial.run);
    struct finding **items = trial.run.findings.items;
    assert_string_equal(items[0]->function, "guilty");
    assert_null(items[0]->cause);
    for (size_t i = 1; i < 4; i++) {
        assert_string_equal(items[i]->cause, items[0]->id);
        assert_string_equal(items[i]->function, "guilty");
        assert_string_equal(items[i]->package, "planted 1.2");
        assert_int_equal(items[i]->blame, BLAME_TARGET);
    }
    end(&trial);
}

static void two_causes_explain_nothing(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN);
    add_write(&trial, accomplice, HIDDEN);
    add_exception(&trial, false, false);
    judge(&trial, 1);
    settle(&trial.run);
    assert_int_equal(trial.run.findings.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_null(trial.run.findings.items[i]->cause);
    end(&trial);
}

static void a_hang_and_a_user_error_have_no_such_cause(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN);
    trial.outcome.hung = true;
    judge(&trial, 1);
    next_outcome(&trial);
    add_invariant(&trial, "y", "its bytes changed", true);
    add_exception(&trial, false, false);
    judge(&trial, 2);
    settle(&trial.run);
    assert_int_equal(trial.run.findings.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_null(trial.run.findings.items[i]->cause);
    end(&trial);
}

static void in_place_functions_are_dropped(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN);
    add_write(&trial, accomplice, HIDDEN);
    judge(&trial, 1);
    next_outcome(&trial);
    add_write(&trial, guilty, KEPT | SERIAL);
    judge(&trial, 2);
    settle(&trial.run);
    assert_string_equal(only(&trial)->function, "accomplice");
    end(&trial);
}

static void add_released(struct run *run, const char *input, enum detector_id detector)
{
    struct finding *finding = calloc(1, sizeof *finding);
    assert_non_null(finding);
    *finding = (struct finding){.kind = FINDING_REFCOUNT_UNDERFLOW, .detector = detector};
    finding->input = strdup(input);
    finding->message = strdup("m");
    assert_true(asprintf(&finding->signature, "%s|%d", input, (int)detector) > 0);
    assert_non_null(finding_list_add(&run->findings, finding, 1));
}

static void references_that_were_counted_are_one_finding(void **state)
{
    (void)state;
    struct run run = {0};
    add_released(&run, "L[0]", DETECTOR_CRASH);
    add_released(&run, "M", DETECTOR_CRASH);
    add_released(&run, "L", DETECTOR_REFCOUNT);
    link_prune(&run);
    assert_int_equal(run.findings.n, 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_not_equal(run.findings.items[i]->input, "L[0]");
    run_clear(&run);
}

/* Damage that the guard saw at a block of `function`, which holds 8 times this byte. */
static void add_damage(struct run *run, const char *name, bool caught, const char *function, char byte)
{
    struct finding *finding = calloc(1, sizeof *finding);
    struct violation *block = calloc(1, sizeof *block);
    assert_non_null(finding);
    assert_non_null(block);
    block->kind = caught ? VIOLATION_AFTER : VIOLATION_BEFORE;
    block->size = 248;
    block->offset = caught ? 248 : -8;
    block->length = block->nbytes = 8;
    memset(block->bytes, byte, 8);
    finding->kind = FINDING_HEAP_CORRUPTION;
    finding->detector = DETECTOR_GUARD;
    finding->block = block;
    finding->trapped = caught;
    finding->signature = strdup(name);
    finding->message = strdup(name);
    evidence_set(&finding->evidence, caught ? EVIDENCE_CAUGHT : EVIDENCE_BLOCK, BLAME_TARGET,
                 strdup(function), strdup("planted 1.2"));
    assert_non_null(finding_list_add(&run->findings, finding, 1));
}

static void the_same_bytes_in_a_block_of_the_caught_function_are_its_damage(void **state)
{
    (void)state;
    static const struct {
        const char *function;
        char byte;
        size_t left;
    } rows[] = {{"guilty", 'A', 1}, {"guilty", 'B', 2}, {"other", 'A', 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct run run = {0};
        add_damage(&run, "caught", true, "guilty", 'A');
        add_damage(&run, "guess", false, rows[i].function, rows[i].byte);
        link_prune(&run);
        assert_int_equal(run.findings.n, rows[i].left);
        assert_int_equal(run.notes.n, 2 - rows[i].left);
        char note[128];
        snprintf(note, sizeof note, "most likely the doing of %s, too: guess", run.findings.items[0]->id);
        if (run.notes.n > 0)
            assert_string_equal(run.notes.items[0], note);
        run_clear(&run);
    }
}

static void a_hang_after_broken_memory_is_a_consequence(void **state)
{
    (void)state;
    static const struct {
        bool is_endless;
        enum evidence_by by;
        bool by_guard, explained;
    } rows[] = {{true, EVIDENCE_STACK, true, true},
                {true, EVIDENCE_STACK, false, true},
                {false, EVIDENCE_STACK, true, false}, /* a deadlock */
                {true, EVIDENCE_STAY, true, false}};  /* Python code that loops */
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct run run = {0};
        struct finding *hang = calloc(1, sizeof *hang);
        *hang = (struct finding){.kind = FINDING_HANG, .severity = SEVERITY_HANG, .detector = DETECTOR_HANG};
        hang->is_endless = rows[i].is_endless;
        hang->message = strdup("m");
        hang->signature = strdup("hang|");
        evidence_set(&hang->evidence, rows[i].by, BLAME_INTERPRETER, strdup("mi_free"),
                     strdup("CPython 3.13.5"));
        add_damage(&run, "caught", true, "guilty", 'A');
        if (!rows[i].by_guard) {
            free(run.findings.items[0]->block);
            run.findings.items[0]->block = NULL;
        }
        finding_list_add(&run.findings, hang, 1);
        settle(&run);
        assert_int_equal(hang->cause != NULL, rows[i].explained);
        assert_int_equal(hang->blame, rows[i].explained ? BLAME_TARGET : BLAME_INTERPRETER);
        assert_string_equal(hang->function, rows[i].explained ? "guilty" : "mi_free");
        run_clear(&run);
    }
}

/* Damage in a block that no package allocated. */
static void add_stranger(struct run *run, const char *name)
{
    add_damage(run, name, false, "free", 'C');
    struct finding *finding = run->findings.items[run->findings.n - 1];
    finding->evidence.blame = BLAME_UNKNOWN;
}

static void damage_of_strangers_is_one_note(void **state)
{
    (void)state;
    for (int caught = 0; caught < 2; caught++) {
        struct run run = {0};
        add_stranger(&run, "a");
        add_stranger(&run, "b");
        if (caught)
            add_damage(&run, "caught", true, "guilty", 'A');
        link_prune(&run);
        assert_int_equal(run.findings.n, caught ? 1 : 2);
        assert_int_equal(run.notes.n, caught);
        if (caught) {
            char note[256];
            snprintf(
                note, sizeof note,
                "2 more places were damaged, in blocks of the interpreter or of libraries: most likely the "
                "doing of %s, too",
                run.findings.items[0]->id);
            assert_string_equal(run.notes.items[0], note);
        }
        run_clear(&run);
    }
}

/* A block of a library that no statement calls is damaged by what they call; alone it stays a finding. */
static void damage_in_a_library_is_of_what_the_statements_call(void **state)
{
    (void)state;
    static const struct {
        const char *package, *modules;
        bool own;
        size_t left;
    } rows[] = {{"planted 1.2", "planted", true, 1},
                {"planted 1.2", "planted", false, 1},
                {"planted 1.2", "planted,library", true, 2},
                {NULL, NULL, true, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct run run = {0};
        struct statement statement = {.package = (char *)rows[i].package, .modules = (char *)rows[i].modules};
        run.statements = (struct statement_list){&statement, rows[i].package != NULL};
        add_damage(&run, "library", false, "make", 'C');
        struct evidence *evidence = &run.findings.items[0]->evidence;
        evidence_set(evidence, EVIDENCE_BLOCK, BLAME_TARGET, strdup("make"), strdup("library 2.0"));
        if (rows[i].own)
            add_damage(&run, "own", false, "guilty", 'A');
        link_prune(&run);
        assert_int_equal(run.findings.n, rows[i].left);
        assert_int_equal(run.notes.n, rows[i].own && rows[i].left == 1);
        run.statements = (struct statement_list){NULL, 0};
        run_clear(&run);
    }
}

static void linking_nothing_is_fine(void **state)
{
    (void)state;
    struct run run = {0};
    settle(&run);
    assert_int_equal(run.findings.n, 0);
    run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_cause_explains_the_rest),
        cmocka_unit_test(two_causes_explain_nothing),
        cmocka_unit_test(a_hang_and_a_user_error_have_no_such_cause),
        cmocka_unit_test(in_place_functions_are_dropped),
        cmocka_unit_test(references_that_were_counted_are_one_finding),
        cmocka_unit_test(the_same_bytes_in_a_block_of_the_caught_function_are_its_damage),
        cmocka_unit_test(a_hang_after_broken_memory_is_a_consequence),
        cmocka_unit_test(damage_of_strangers_is_one_note),
        cmocka_unit_test(damage_in_a_library_is_of_what_the_statements_call),
        cmocka_unit_test(linking_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
