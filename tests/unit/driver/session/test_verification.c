/* Conclusions from trials, and which function a statement calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/finding/verification.h"
#include "driver/judge/blame.h"
#include "driver/session/verify.h"

static void intervals_hold_the_rate(void **state)
{
    (void)state;
    static const struct {
        struct trials trials;
        double low, high;
    } rows[] = {
        {{0, 0}, 0, 100},      {{3, 3}, 43.8, 100},   {{0, 3}, 0, 56.2},
        {{5, 10}, 23.7, 76.3}, {{50, 50}, 92.9, 100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double low, high;
        verification_interval(&rows[i].trials, &low, &high);
        assert_true(low > rows[i].low - 0.1 && low < rows[i].low + 0.1);
        assert_true(high > rows[i].high - 0.1 && high < rows[i].high + 0.1);
    }
}

static void silence_counts_only_where_hits_are_expected(void **state)
{
    (void)state;
    struct verification verification = {.again = {3, 3}};
    assert_true(verification_is_telling(&verification, &(struct trials){0, 3}));
    assert_false(verification_is_telling(&verification, &(struct trials){0, 0}));
    verification.again = (struct trials){1, 7};
    assert_false(verification_is_telling(&verification, &(struct trials){0, 7}));
    verification.again = (struct trials){0, 7};
    assert_false(verification_is_telling(&verification, &(struct trials){0, 50}));
}

static void the_guilty_call_is_named(void **state)
{
    (void)state;
    char text[640];
    struct verification verification = {
        .again = {3, 3},
        .nknock_outs = 2,
        .knock_outs = {{.call = (char *)"numpy.repeat", .trials = {0, 3}},
                       {.call = (char *)"scipy.stats.somersd", .trials = {2, 3}}}};
    verification_say_guilty(&verification, text, sizeof text);
    assert_string_equal(text,
                        "still fails without scipy.stats.somersd; never fails without numpy.repeat: look at "
                        "numpy.repeat");
    verification.again = (struct trials){1, 7};
    verification_say_guilty(&verification, text, sizeof text);
    assert_string_equal(text, "still fails without scipy.stats.somersd");
    verification.nknock_outs = 0;
    verification_say_guilty(&verification, text, sizeof text);
    assert_string_equal(text, "");
}

static void a_control_that_fails_too_shows_no_race(void **state)
{
    (void)state;
    static const struct {
        struct verification found;
        const char *text;
    } rows[] = {
        {{.again = {3, 3}, .plain = {1, 3}},
         "fails with the statements that touch no package, too: the interpreter's own"},
        {{.again = {3, 3}, .gil = {1, 3}}, "fails with the GIL on, too: not a matter of free threading"},
        {{.again = {3, 3}, .alone = {1, 3}}, "fails with calls from one thread, too: no race between calls"},
        {{.again = {3, 3}, .plain = {0, 3}, .gil = {0, 3}, .alone = {0, 3}}, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[640];
        verification_say_guilty(&rows[i].found, text, sizeof text);
        assert_string_equal(text, rows[i].text);
    }
}

static void the_lowest_rung_gives_the_rule(void **state)
{
    (void)state;
    static const struct {
        struct verification found;
        enum rung rung;
        const char *rule; /* its beginning */
    } rows[] = {
        {{.again = {3, 3}, .share = RUNG_READONLY, .ladder = {{0, 3}}},
         RUNG_READONLY,
         "needs inputs that are shared"},
        {{.again = {3, 3}, .share = RUNG_READONLY, .ladder = {{1, 1}}},
         RUNG_PRIVATE,
         "fails where the threads share nothing but what the called code keeps to itself"},
        {{.again = {3, 3}, .share = RUNG_ALL, .ladder = {{0, 0}, {0, 3}, {1, 1}}},
         RUNG_ONE_WRITER,
         "needs one thread"},
        {{.again = {3, 3}, .share = RUNG_ALL, .ladder = {{0, 3}, {1, 1}, {1, 1}}},
         RUNG_READONLY,
         "needs inputs"},
        {{.again = {3, 3}, .share = RUNG_READONLY, .mutates = true, .ladder = {{0, 3}}},
         RUNG_ALL,
         "needs threads that change what they share: for arrays that is documented as unsafe"},
        {{.again = {3, 3}, .share = RUNG_READONLY}, RUNG_READONLY, ""},
        {{.again = {0, 9}, .share = RUNG_READONLY}, RUNG_READONLY, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(verification_rung(&rows[i].found), rows[i].rung);
        const char *rule = verification_say_rung(&rows[i].found);
        assert_memory_equal(rule, rows[i].rule, strlen(rows[i].rule));
        assert_true(*rows[i].rule || !*rule);
    }
}

static void of_several_the_package_is_guilty(void **state)
{
    (void)state;
    struct verification found = {
        .again = {3, 3},
        .nknock_outs = 2,
        .knock_outs = {{.call = (char *)"L.pop", .trials = {0, 3}, .plain = true},
                       {.call = (char *)"numpy.array", .trials = {0, 3}, .package = (char *)"numpy 2.2.2"}}};
    assert_ptr_equal(verification_guilty(&found), &found.knock_outs[1]);
    found.knock_outs[1].trials = (struct trials){1, 1};
    assert_ptr_equal(verification_guilty(&found), &found.knock_outs[0]);
    found.knock_outs[0].trials = (struct trials){1, 1};
    assert_null(verification_guilty(&found));
    found.knock_outs[0].plain = false;
    found.knock_outs[0].trials = found.knock_outs[1].trials = (struct trials){0, 3};
    assert_null(verification_guilty(&found));
}

static void names_that_must_be_shared_are_listed(void **state)
{
    (void)state;
    char text[640];
    struct verification found = {
        .again = {3, 3},
        .ninputs = 2,
        .inputs = {{.call = (char *)"x", .trials = {0, 3}}, {.call = (char *)"y", .trials = {1, 2}}}};
    verification_say_guilty(&found, text, sizeof text);
    assert_string_equal(text, "needs x to be shared");
}

static void the_first_hit_is_a_median(void **state)
{
    (void)state;
    struct verification found = {.nfirst = 3, .first = {{300, 0.5}, {100, 0.1}, {900, 0.3}}};
    assert_float_equal(verification_first_calls(&found), 300, 0.01);
    assert_float_equal(verification_first_seconds(&found), 0.3, 0.001);
    found.nfirst = 2;
    assert_float_equal(verification_first_calls(&found), 200, 0.01);
    found.nfirst = 0;
    assert_float_equal(verification_first_calls(&found), 0, 0.01);
}

static struct finding *new_finding(struct run *run, enum blame blame, const char *function,
                                   const char *package, const struct verification *found)
{
    struct finding *finding = calloc(1, sizeof *finding);
    *finding = (struct finding){.kind = FINDING_CRASH,
                                .severity = SEVERITY_CRASH,
                                .detector = DETECTOR_CRASH,
                                .rung = RUNG_READONLY,
                                .message = strdup("m"),
                                .signature = strdup(function ? function : "s"),
                                .verification = found};
    evidence_set(&finding->evidence, EVIDENCE_STACK, blame, function ? strdup(function) : NULL,
                 package ? strdup(package) : NULL);
    return finding_list_add(&run->findings, finding, 1);
}

static void blame_follows_from_the_knock_out(void **state)
{
    (void)state;
    struct verification found = {
        .again = {3, 3},
        .share = RUNG_READONLY,
        .nknock_outs = 2,
        .knock_outs = {{.call = (char *)"a.f", .trials = {0, 3}, .package = (char *)"a 1"},
                       {.call = (char *)"b.g", .trials = {1, 1}, .package = (char *)"b 2"}}};
    static const struct {
        enum blame blame;
        const char *function, *package;           /* by the stack */
        const char *then_function, *then_package; /* by the knock-out */
    } rows[] = {
        {BLAME_UNKNOWN, NULL, NULL, "a.f", "a 1"},
        {BLAME_INTERPRETER, "malloc", "CPython 3.13.5", "a.f", "a 1"},
        {BLAME_TARGET, "inner", "a 1", "inner", "a 1"}, /* innermost frame of the guilty package */
        {BLAME_TARGET, "inner", "c 3", "inner", "c 3"}, /* called by it, as far as anybody knows */
        {BLAME_TARGET, "g", "b 2", "a.f", "a 1"},       /* it broke in b, which is not needed */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct run run = {0};
        struct finding *finding = new_finding(&run, rows[i].blame, rows[i].function, rows[i].package, &found);
        blame_findings(&run);
        assert_int_equal(finding->blame, BLAME_TARGET);
        assert_string_equal(finding->function, rows[i].then_function);
        assert_string_equal(finding->package, rows[i].then_package);
        run_clear(&run);
    }
}

static void failures_without_packages_are_the_interpreters(void **state)
{
    (void)state;
    char *environment[] = {(char *)"python=3.13.5 (main)"};
    struct verification found = {.again = {3, 3}, .share = RUNG_READONLY, .plain = {1, 2}};
    struct run run = {.environment = environment, .nenvironment = 1};
    struct finding *finding = new_finding(&run, BLAME_UNKNOWN, NULL, NULL, &found);
    blame_findings(&run);
    assert_int_equal(finding->blame, BLAME_INTERPRETER);
    assert_string_equal(finding->package, "CPython 3.13.5");
    finding_list_clear(&run.findings);
}

/* --share all labels everything as the user's, until it fails without a writer. */
static void a_label_is_taken_back(void **state)
{
    (void)state;
    struct verification found = {.again = {3, 3}, .share = RUNG_ALL, .ladder = {{0, 3}, {1, 1}, {1, 1}}};
    struct run run = {0};
    struct finding *finding = new_finding(&run, BLAME_TARGET, "f", "a 1", &found);
    finding->evidence.users = true;
    blame_findings(&run);
    assert_int_equal(finding->blame, BLAME_TARGET);
    assert_int_equal(finding->rung, RUNG_READONLY);
    assert_int_equal(finding->severity, SEVERITY_CRASH);
    found.ladder[RUNG_READONLY] = (struct trials){0, 3};
    blame_findings(&run);
    assert_int_equal(finding->blame, BLAME_USER);
    assert_int_equal(finding->rung, RUNG_ONE_WRITER);
    assert_int_equal(finding->severity, SEVERITY_USER_ERROR);
    run_clear(&run);
}

static void statements_name_their_function(void **state)
{
    (void)state;
    static const char setup[] =
        "import os, numpy as np\nfrom scipy.stats import somersd, rankdata as rank; import m.sub";
    static const struct {
        const char *statement, *callable;
    } rows[] = {
        {"a = np.repeat(x, 2)[::2]", "numpy.repeat"},
        {"np.linalg.norm(x)", "numpy.linalg.norm"},
        {"somersd(a, b)", "scipy.stats.somersd"},
        {"r = rank(a)", "scipy.stats.rankdata"},
        {"x.sort()", "x.sort"},
        {"m.sub.f()", "m.sub.f"},
        {"f (1)", NULL},
        {"len(g.lines(0.5))", NULL},
        {"np.ones(3).sum()", NULL},
        {"np.full(3, (1, 2))", "numpy.full"},
        {"x + y", NULL},
        {"(a, b)", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *found = statement_callable(&(struct statement_list){0}, rows[i].statement, setup);
        if (rows[i].callable)
            assert_string_equal(found, rows[i].callable);
        else
            assert_null(found);
        free(found);
    }
    /* The child, which has the objects, names the call inside. */
    struct statement known = {.source = "len(np.repeat(x, 2))", .call = "np.repeat"};
    char *inside = statement_callable(&(struct statement_list){&known, 1}, known.source, setup);
    assert_string_equal(inside, "numpy.repeat");
    free(inside);
    known.call = "";
    assert_null(statement_callable(&(struct statement_list){&known, 1}, known.source, setup));
    char *bare = statement_callable(&(struct statement_list){0}, "np.sum(x)", NULL);
    assert_string_equal(bare, "np.sum");
    free(bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_hold_the_rate),
        cmocka_unit_test(silence_counts_only_where_hits_are_expected),
        cmocka_unit_test(the_guilty_call_is_named),
        cmocka_unit_test(a_control_that_fails_too_shows_no_race),
        cmocka_unit_test(the_lowest_rung_gives_the_rule),
        cmocka_unit_test(of_several_the_package_is_guilty),
        cmocka_unit_test(names_that_must_be_shared_are_listed),
        cmocka_unit_test(the_first_hit_is_a_median),
        cmocka_unit_test(blame_follows_from_the_knock_out),
        cmocka_unit_test(failures_without_packages_are_the_interpreters),
        cmocka_unit_test(a_label_is_taken_back),
        cmocka_unit_test(statements_name_their_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
