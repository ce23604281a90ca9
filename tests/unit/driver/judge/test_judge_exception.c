/* Exceptions by the Python code that raised them. */
#include "driver/evidence/judge_base.h"
#include "judge_trial.h"

#define PIL "/v/lib/python3.13t/site-packages/PIL/"
#define LIBRARY "/v/lib/python3.13t/zoneinfo/_zoneinfo.py\n"
#define TEST "3 test_repeat /v/lib/python3.13t/site-packages/test_repeat.py\n"
#define GETPIXEL "9 Image.getpixel " PIL "Image.py\n"
#define LOAD GETPIXEL "300 ImageFile.load " PIL "ImageFile.py\n"
#define ZONE GETPIXEL "38 ZoneInfo.__new__ " LIBRARY

/* One race of a package raises what it likes: random bytes in messages, and several types. */
static void one_race_with_random_messages_is_one_finding(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_raised(&trial, RAISED_BY_STATEMENT, "SyntaxError: broken chunk \\xa7q", LOAD);
    add_raised(&trial, RAISED_BY_STATEMENT, "SyntaxError: broken chunk z\\x01", LOAD);
    add_raised(&trial, RAISED_BY_STATEMENT, "SyntaxError: broken chunk b\\xff", LOAD);
    add_raised(&trial, RAISED_BY_STATEMENT, "AssertionError", GETPIXEL);
    assert_int_equal(judge(&trial, 1), 1);
    const struct finding *finding = only(&trial);
    assert_int_equal(finding->count, 4);
    assert_int_equal(finding->blame, BLAME_TARGET);
    assert_string_equal(finding->function, "ImageFile.load");
    assert_string_equal(finding->package, "PIL");
    assert_string_equal(finding->reason, "raised in Python code of PIL, and never on one thread");
    assert_int_equal(finding->nlines, 2);
    assert_string_equal(finding->lines[0], "raised: SyntaxError in ImageFile.load (" PIL "ImageFile.py:300)");
    assert_string_equal(finding->lines[1],
                        "also raised: AssertionError in Image.getpixel (" PIL "Image.py:9)");
    assert_int_equal(finding->nstacks, 1);
    assert_int_equal(finding->stacks[0].npython, 2);
    assert_string_equal(finding->stacks[0].python[0].function, "ImageFile.load");
    end(&trial);
}

/* Its id rests on the place, so that it is equal in each run. */
static void another_call_or_statement_is_another_finding(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_raised(&trial, RAISED_BY_STATEMENT, "OSError: \\x07", LOAD);
    add_raised(&trial, RAISED_BY_STATEMENT, "OSError: \\x08", "12 Image.save " PIL "Image.py\n");
    assert_int_equal(judge(&trial, 1), 2);
    char id[12];
    snprintf(id, sizeof id, "%s", trial.run.findings.items[0]->id);
    end(&trial);
    begin(&trial);
    add_raised(&trial, RAISED_BY_STATEMENT, "SyntaxError: \\x09", LOAD);
    judge(&trial, 1);
    assert_string_equal(only(&trial)->id, id);
    end(&trial);
}

/* Without Python code of a package, the type and the statement identify it. */
static void compiled_code_has_one_form_with_one_message(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_raised(&trial, RAISED_BY_STATEMENT, "ValueError: bad tag\n\x01q", "");
    add_raised(&trial, RAISED_BY_STATEMENT, "ValueError: bad tag z", "");
    add_raised(&trial, RAISED_BY_STATEMENT, "ValueError: bad tag\n\x01q", "");
    add_raised(&trial, RAISED_BY_STATEMENT, "KeyError: 'a'", "");
    assert_int_equal(judge(&trial, 1), 2);
    assert_int_equal(trial.run.findings.items[0]->count, 3);
    assert_int_equal(trial.run.findings.items[0]->nlines, 1);
    assert_string_equal(trial.run.findings.items[0]->lines[0], "raised: ValueError: bad tag  q");
    assert_int_equal(trial.run.findings.items[0]->blame, BLAME_TARGET);
    end(&trial);
}

static void more_forms_than_are_listed_are_counted_as_others(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    for (int i = 0; i < 20; i++) {
        char place[128];
        snprintf(place, sizeof place, "%d Image.getpixel " PIL "Image\001.py\n", 1 + i / 2);
        add_raised(&trial, RAISED_BY_STATEMENT, "ValueError: bad tag", place);
    }
    assert_int_equal(judge(&trial, 1), 1);
    assert_int_equal(only(&trial)->nlines, 7);
    assert_non_null(strstr(only(&trial)->lines[5], "Image .py:6): bad tag"));
    assert_string_equal(only(&trial)->lines[6], "also raised: other forms, which are not listed");
    end(&trial);
}

static void assert_blamed(enum exception_how how, const char *place, enum blame blame, const char *function)
{
    struct trial trial;
    begin(&trial);
    add_raised(&trial, how, "KeyError: 1", place);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->blame, blame);
    if (function)
        assert_string_equal(only(&trial)->function, function);
    end(&trial);
}

/* A container of CPython's library that lacks what was just there is the interpreter's, whoever called it; what the
 * library refuses is its caller's. */
static void code_of_the_library_is_the_interpreters(void **state)
{
    (void)state;
    assert_blamed(RAISED_BY_CONTAINER, ZONE, BLAME_INTERPRETER, "ZoneInfo.__new__");
    assert_blamed(RAISED_BY_OPERATION, ZONE, BLAME_UNKNOWN, "ZoneInfo.__new__");
    assert_blamed(RAISED_BY_STATEMENT, ZONE, BLAME_TARGET, "Image.getpixel");
    assert_blamed(RAISED_BY_CONTAINER, ZONE "5 key <setup>\n", BLAME_TARGET, NULL);
    assert_blamed(RAISED_BY_CONTAINER, LOAD, BLAME_TARGET, "ImageFile.load");
    assert_blamed(RAISED_BY_STATEMENT, "38 ZoneInfo.__new__ " LIBRARY, BLAME_TARGET, NULL);
}

static void a_call_that_the_library_refuses_has_its_reason(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_raised(&trial, RAISED_BY_OPERATION, "KeyError: 1", ZONE);
    judge(&trial, 1);
    assert_string_equal(only(&trial)->reason,
                        "raised in Python code of CPython's library, which its caller may have misused");
    end(&trial);
}

/* A test sees what others did; a package that asserts inside of its own functions has a wrong state. */
static void a_failed_assertion_of_a_test_blames_nobody(void **state)
{
    (void)state;
    static const struct {
        const char *frames;
        enum blame blame;
    } rows[] = {
        {TEST, BLAME_UNKNOWN},
        {TEST "9 assert_equal /v/lib/python3.13t/site-packages/numpy/testing.py\n", BLAME_UNKNOWN},
        {LOAD, BLAME_TARGET},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin(&trial);
        add_raised(&trial, RAISED_BY_STATEMENT, "AssertionError", rows[i].frames);
        judge(&trial, 1);
        assert_int_equal(only(&trial)->blame, rows[i].blame);
        if (rows[i].blame == BLAME_UNKNOWN)
            assert_string_equal(only(&trial)->reason,
                                "an assertion fails: the code that checks is not the cause");
        end(&trial);
    }
}

/* Where threads change what they share, the place is named without blame. */
static void above_readonly_the_place_has_no_blame(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.plan.share = RUNG_ALL;
    add_raised(&trial, RAISED_BY_CONTAINER, "KeyError: 1", LOAD);
    add_raised(&trial, RAISED_BY_CONTAINER, "KeyError: 1", ZONE);
    judge(&trial, 1);
    for (size_t i = 0; i < trial.run.findings.n; i++)
        assert_int_equal(trial.run.findings.items[i]->blame, BLAME_UNKNOWN);
    end(&trial);
}

#define PYTHON "/v/lib/libpython3.13t.so.1.0"
#define PANDAS "/v/lib/python3.13t/site-packages/pandas/tslib.so"

/* Judges a crash on this stack, in the statement of a package; its innermost Python code is in `file`. */
static struct blame_verdict crashed(struct symbol_frame *frames, size_t n, const char *file)
{
    struct trial trial;
    struct blame_verdict verdict;
    struct scene_page page = {.npython = 1};
    const struct symbol_stack stack = {n, frames};
    const struct judge judge = {.run = &trial.run, .plan = &trial.plan, .outcome = &trial.outcome};
    begin(&trial);
    snprintf(page.python[0].file, sizeof page.python[0].file, "%s", file);
    struct finding *finding = judge_new_finding(&judge, FINDING_CRASH, SEVERITY_CRASH, DETECTOR_CRASH);
    finding->evidence.call_package = strdup("pandas 2.3");
    judge_suspect_crash(&judge, finding, &page, &stack);
    blame_decide(&trial.run, finding, &verdict);
    verdict.suspect.function = verdict.suspect.package = NULL;
    finding_free(finding);
    end(&trial);
    return verdict;
}

/* Compiled code of a package called Python code of CPython's library, which called what broke. */
static void a_crash_of_the_library_is_the_interpreters(void **state)
{
    (void)state;
    struct symbol_frame frames[] = {{.function = "odict_pop", .module = PYTHON},
                                    {.function = "_PyEval_EvalFrameDefault", .module = PYTHON},
                                    {.function = "to_datetime", .module = PANDAS},
                                    {.function = "_PyEval_EvalFrameDefault", .module = PYTHON}};
    struct blame_verdict verdict = crashed(frames, 4, "/v/lib/python3.13t/zoneinfo/_zoneinfo.py");
    assert_int_equal(verdict.suspect.blame, BLAME_INTERPRETER);
    assert_string_equal(verdict.reason, "innermost frame of the interpreter in 1 of 1 stacks; Python code of "
                                        "CPython's library called it");
    assert_int_equal(crashed(frames, 2, "/v/lib/python3.13t/json/decoder.py").suspect.blame,
                     BLAME_INTERPRETER);
    /* Python code of a package, or its compiled code between, may have called it wrongly. */
    assert_int_equal(crashed(frames, 4, "/v/lib/python3.13t/site-packages/pandas/a.py").suspect.blame,
                     BLAME_TARGET);
    assert_int_equal(crashed(frames, 2, "/v/lib/python3.13t/site-packages/pandas/a.py").suspect.blame,
                     BLAME_UNKNOWN);
    frames[1] = frames[2];
    assert_int_equal(crashed(frames, 4, "/v/lib/python3.13t/zoneinfo/_zoneinfo.py").suspect.blame,
                     BLAME_TARGET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_race_with_random_messages_is_one_finding),
        cmocka_unit_test(another_call_or_statement_is_another_finding),
        cmocka_unit_test(compiled_code_has_one_form_with_one_message),
        cmocka_unit_test(more_forms_than_are_listed_are_counted_as_others),
        cmocka_unit_test(code_of_the_library_is_the_interpreters),
        cmocka_unit_test(a_crash_of_the_library_is_the_interpreters),
        cmocka_unit_test(a_call_that_the_library_refuses_has_its_reason),
        cmocka_unit_test(a_failed_assertion_of_a_test_blames_nobody),
        cmocka_unit_test(above_readonly_the_place_has_no_blame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
