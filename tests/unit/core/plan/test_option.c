/* Options: every row of the table, as users type them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "option_line.h"

/* One line, for a person, that does not end in mid-air. */
static void assert_sentence(const char *word)
{
    size_t length = strlen(error);
    assert_true(length > 10 && length < sizeof error - 1);
    assert_null(strpbrk(error, "\r\n"));
    assert_false(isspace((unsigned char)error[length - 1]));
    if (!strstr(error, word))
        fail_msg("\"%s\" does not name '%s'", error, word);
}

static void refuse(const char *option, const char *argument)
{
    struct request request;
    if (PARSE(&request, option, argument) != -EINVAL)
        fail_msg("%s '%s' is taken", option, argument);
    assert_sentence(argument);
    request_clear(&request);
}

/* An argument that each row takes. */
static const char *good_argument(const struct option_row *row)
{
    static const struct {
        const char *name, *argument;
    } good[] = {
        {"input", "x=f8[20]"}, {"threads", "4"},
        {"time", "500ms"},     {"iterations", "10"},
        {"seed", "7"},         {"share", "all"},
        {"detect", "crash"},   {"timeout", "3s"},
        {"memory", "512M"},    {"guard", "whole,every=100"},
        {"verify", "2m"},      {"budget", "64K"},
        {"under", "valgrind"}, {"perturb", "lockstep,alloc"},
        {"trials", "9"},       {"jobs", "2"},
        {"shard", "2/3"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (strcmp(row->name, good[i].name) == 0)
            return good[i].argument;
    return row->argument ? "text" : NULL;
}

static void assert_row_of(enum option_command command, const char *first, const char *second)
{
    struct request request;
    if (parse_for(command, &request, (const char *const[]){first, second, NULL}) != 0)
        fail_msg("%s %s: %s", first, second ? second : "", error);
    assert_int_equal(request.npositionals, 0);
    request_clear(&request);
}

static void assert_row(const char *first, const char *second)
{
    assert_row_of(OPTION_RUN, first, second);
}

static void every_row_parses_in_every_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        const char *argument = good_argument(row);
        enum option_command command = (enum option_command)__builtin_ctz(row->commands);
        char text[64];
        snprintf(text, sizeof text, "--%s", row->name);
        assert_row_of(command, text, argument);
        if (row->argument) {
            snprintf(text, sizeof text, "--%s=%s", row->name, argument);
            assert_row_of(command, text, NULL);
        }
        if (!row->letter)
            continue;
        snprintf(text, sizeof text, "-%c", row->letter);
        assert_row_of(command, text, argument);
        snprintf(text, sizeof text, "-%c%s", row->letter, argument ? argument : "q");
        assert_row_of(command, text, NULL);
    }
}

static void every_row_is_well_made(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        assert_true(strlen(option_rows[i].name) > 1 && strlen(option_rows[i].help) > 5);
        assert_true(option_rows[i].size > 0);
        assert_true((option_rows[i].type == OPTION_SWITCH) == !option_rows[i].argument);
        assert_true((option_rows[i].type == OPTION_TEXTS) == (option_rows[i].count != 0));
        assert_true(option_rows[i].type != OPTION_SET || option_rows[i].set);
        assert_true(option_rows[i].type != OPTION_NUMBER || option_rows[i].wanted);
        assert_true(option_rows[i].commands != 0 && option_rows[i].commands >> OPTION_COMMANDS == 0);
        assert_true(i == 0 || option_rows[i].group >= option_rows[i - 1].group);
        for (size_t k = 0; k < i; k++) {
            assert_true(option_rows[i].at != option_rows[k].at);
            assert_string_not_equal(option_rows[i].name, option_rows[k].name);
            assert_true(!option_rows[i].letter || option_rows[i].letter != option_rows[k].letter);
        }
    }
}

static void bounds_are_kept(void **state)
{
    (void)state;
    assert_row("--threads", "1");
    assert_row("--threads", "256");
    assert_row("--seed", "0");
    assert_row("--seed", "9223372036854775807");
    assert_row("--iterations", "4611686018427387903");
    assert_row("--memory", "9223372036854775807");
    refuse("--under", "gdb");
    refuse("--threads", "0");
    refuse("--threads", "257");
    refuse("--threads", "4294967297");
    refuse("--seed", "9223372036854775808");
    refuse("--iterations", "0");
    refuse("--iterations", "4611686018427387904");
    refuse("--memory", "9223372036854775808");
    refuse("--memory", "8388608T");
}

static void wrong_arguments_get_a_sentence(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"--threads", "many"},
        {"--threads", "-1"},
        {"--threads", "1.5"},
        {"--threads", "8 "},
        {"--threads", "8x"},
        {"--time", "0"},
        {"--time", "10 years"},
        {"--time", "-1"},
        {"--time", "s"},
        {"--timeout", "0s"},
        {"--timeout", "soon"},
        {"--iterations", "-5"},
        {"--iterations", "1e3"},
        {"--seed", "-1"},
        {"--seed", "x"},
        {"--share", "public"},
        {"--share", "Private"},
        {"--detect", "luck"},
        {"-i", "x"},
        {"-i", "=f8[2]"},
        {"--memory", "4GB"},
        {"--memory", "G"},
        {"--memory", "0"},
        {"--memory", "-1"},
        {"--memory", "lots"},
        {"--seed", "99999999999999999999999"},
        {"--memory", "-18446744073709551615"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuse(wrong[i][0], wrong[i][1]);
}

static void empty_arguments_get_a_sentence(void **state)
{
    (void)state;
    static const char *const options[] = {"--threads", "--time",    "--iterations", "--seed",
                                          "--share",   "--timeout", "--memory",     "--input"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct request request;
        assert_int_equal(PARSE(&request, options[i], ""), -EINVAL);
        assert_sentence(options[i]);
        request_clear(&request);
    }
}

static void unknown_options_are_named(void **state)
{
    (void)state;
    static const char *const unknown[][2] = {{"--thraeds", "'--thraeds'"},
                                             {"-x", "'-x'"},
                                             {"--quiet=1", "'--quiet=1'"},
                                             {"-xq", "'-x'"},
                                             {"-qx", "'-x'"}};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        struct request request;
        assert_int_equal(PARSE(&request, unknown[i][0]), -EINVAL);
        assert_sentence(unknown[i][1]);
        request_clear(&request);
    }
}

static void a_missing_argument_is_named(void **state)
{
    (void)state;
    struct request request;
    for (size_t i = 0; i < option_count; i++) {
        char text[64];
        if (!option_rows[i].argument)
            continue;
        snprintf(text, sizeof text, "--%s", option_rows[i].name);
        assert_int_equal(PARSE(&request, "stmt", text), -EINVAL);
        assert_sentence(text);
        request_clear(&request);
    }
    assert_int_equal(PARSE(&request, "-qt"), -EINVAL);
    assert_sentence("'-t'");
    request_clear(&request);
}

static void one_input_too_many_is_refused(void **state)
{
    (void)state;
    const char *words[2 * (PLAN_INPUTS_MAX + 1) + 1] = {0};
    struct request request;
    for (int i = 0; i <= PLAN_INPUTS_MAX; i++) {
        words[2 * i] = "-i";
        words[2 * i + 1] = "x=f8[2]";
    }
    assert_int_equal(parse_into(&request, words), -EINVAL);
    assert_sentence("x=f8[2]");
    assert_int_equal(request.plan.ninputs, PLAN_INPUTS_MAX);
    request_clear(&request);
}

static void options_may_follow_positionals(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(PARSE(&r, "somersd", "-t", "2", "repeat", "--time=1s", "null", "-q"), 0);
    POSITIONALS(&r, "somersd", "repeat", "null");
    assert_true(r.plan.threads == 2 && r.plan.time == CLOCK_SECOND && r.quiet);
    request_clear(&r);
    assert_int_equal(PARSE(&r, "somersd", "-t"), -EINVAL);
    request_clear(&r);
}

static void after_two_dashes_all_is_positional(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(PARSE(&r, "-q", "--", "-1", "--time", "--"), 0);
    POSITIONALS(&r, "-1", "--time", "--");
    assert_true(r.quiet && !REQUEST_GAVE(&r, plan.time));
    request_clear(&r);
    assert_int_equal(PARSE(&r, "a", "-t", "2", "--", "-b", "-q"), 0);
    POSITIONALS(&r, "a", "-b", "-q");
    assert_false(r.quiet);
    request_clear(&r);
    assert_int_equal(PARSE(&r, "--"), 0);
    assert_int_equal(r.npositionals, 0);
    request_clear(&r);
}

static void two_dashes_may_be_an_argument(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(PARSE(&r, "-s", "--", "stmt", "-q"), 0);
    assert_string_equal(r.plan.setup, "--");
    POSITIONALS(&r, "stmt");
    assert_true(r.quiet);
    request_clear(&r);
}

static void a_dash_is_a_positional(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(PARSE(&r, "-", "-q"), 0);
    POSITIONALS(&r, "-");
    assert_true(r.quiet);
    request_clear(&r);
}

static void parsing_twice_starts_anew(void **state)
{
    (void)state;
    struct request r;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(PARSE(&r, "a", "-qx"), -EINVAL);
        request_clear(&r);
        assert_int_equal(PARSE(&r, "a", "-q", "b"), 0);
        POSITIONALS(&r, "a", "b");
        request_clear(&r);
    }
}

static void options_of_other_commands_are_refused(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(parse_for(OPTION_LIST, &r, (const char *const[]){"--role", "x", NULL}), -EINVAL);
    assert_string_equal(error,
                        "--role is an option of `ftstress run`, not of `list`; see `ftstress list --help`");
    request_clear(&r);
    assert_int_equal(parse_for(OPTION_LIST, &r, (const char *const[]){"findings", "-q", NULL}), -EINVAL);
    assert_string_equal(
        error,
        "--quiet is an option of `ftstress run`, `ftstress sweep`, `ftstress fuzz`, `ftstress merge`, "
        "`ftstress reproduce`, `ftstress minimize` and `ftstress bisect`, not of `list`; see `ftstress list "
        "--help`");
    request_clear(&r);
    assert_int_equal(parse_for(OPTION_SHOW, &r, (const char *const[]){"--as=json", NULL}), -EINVAL);
    assert_string_equal(
        error, "--as is an option of `ftstress run`, `ftstress sweep`, `ftstress fuzz`, `ftstress merge` and "
               "`ftstress report`, not of `show`; see `ftstress show --help`");
    request_clear(&r);
    assert_int_equal(parse_for(OPTION_DOCTOR, &r, (const char *const[]){"-p", "venv", "--no-color", NULL}),
                     0);
    request_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_parses_in_every_spelling),
        cmocka_unit_test(every_row_is_well_made),
        cmocka_unit_test(bounds_are_kept),
        cmocka_unit_test(wrong_arguments_get_a_sentence),
        cmocka_unit_test(empty_arguments_get_a_sentence),
        cmocka_unit_test(unknown_options_are_named),
        cmocka_unit_test(a_missing_argument_is_named),
        cmocka_unit_test(one_input_too_many_is_refused),
        cmocka_unit_test(options_may_follow_positionals),
        cmocka_unit_test(after_two_dashes_all_is_positional),
        cmocka_unit_test(two_dashes_may_be_an_argument),
        cmocka_unit_test(a_dash_is_a_positional),
        cmocka_unit_test(parsing_twice_starts_anew),
        cmocka_unit_test(options_of_other_commands_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
