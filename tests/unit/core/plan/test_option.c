/* Options: every row of the table, as users type them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "core/plan/option.h"

#define MS (CLOCK_SECOND / 1000)
#define WORDS_MAX 80

static char error[512];

/* The parser also reads the word before argv, as on a real command line. The words end with NULL. */
static int parse_for(enum option_command command, struct request *request, const char *const *words)
{
    static char *line[WORDS_MAX + 2] = {(char *)"ftstress"};
    int n = 0;
    for (; words[n]; n++)
        line[n + 1] = (char *)words[n];
    line[n + 1] = NULL;
    error[0] = '\0';
    request_init(request);
    return option_parse(command, n, line + 1, request, error, sizeof error);
}

static int parse_into(struct request *request, const char *const *words)
{
    return parse_for(OPTION_RUN, request, words);
}

#define PARSE(request, ...) parse_into(request, (const char *const[]){__VA_ARGS__, NULL})

static void assert_positionals(const struct request *request, const char *const *words)
{
    unsigned n = 0;
    for (; words[n]; n++) {
        assert_true(n < request->npositionals);
        assert_string_equal(request->positionals[n], words[n]);
    }
    assert_int_equal(request->npositionals, n);
}

#define POSITIONALS(request, ...) assert_positionals(request, (const char *const[]){__VA_ARGS__, NULL})

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
        {"input", "x=f8[20]"},        {"threads", "4"},  {"time", "500ms"},
        {"iterations", "10"},         {"seed", "7"},     {"share", "all"},
        {"detect", "crash"},          {"timeout", "3s"}, {"memory", "512M"},
        {"guard", "whole,every=100"}, {"verify", "2m"},  {"budget", "64K"},
        {"under", "valgrind"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (strcmp(row->name, good[i].name) == 0)
            return good[i].argument;
    return row->argument ? "text" : NULL;
}

static void assert_row(const char *first, const char *second)
{
    struct request request;
    if (PARSE(&request, first, second) != 0)
        fail_msg("%s %s: %s", first, second ? second : "", error);
    assert_int_equal(request.npositionals, 0);
    request_clear(&request);
}

static void every_row_parses_in_every_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        const char *argument = good_argument(row);
        char text[64];
        snprintf(text, sizeof text, "--%s", row->name);
        assert_row(text, argument);
        if (row->argument) {
            snprintf(text, sizeof text, "--%s=%s", row->name, argument);
            assert_row(text, NULL);
        }
        if (!row->letter)
            continue;
        snprintf(text, sizeof text, "-%c", row->letter);
        assert_row(text, argument);
        snprintf(text, sizeof text, "-%c%s", row->letter, argument ? argument : "q");
        assert_row(text, NULL);
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

static void the_values_arrive(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(PARSE(&r, "-p", "venv", "-t", "3", "--time", "2m", "--iterations", "0x10", "--seed",
                           "99", "--share", "one-writer", "--detect", "crash,hang", "--timeout", "250ms",
                           "--memory", "3G", "--out", "o", "--json", "-"),
                     0);
    assert_string_equal(r.python, "venv");
    assert_int_equal(r.plan.threads, 3);
    assert_true(r.plan.time == 120 * CLOCK_SECOND && r.plan.iterations == 16 && r.plan.seed == 99);
    assert_int_equal(r.plan.share, RUNG_ONE_WRITER);
    assert_int_equal(r.plan.detect, DETECTOR_BIT(DETECTOR_CRASH) | DETECTOR_BIT(DETECTOR_HANG));
    assert_true(r.timeout == 250 * MS && r.memory == UINT64_C(3) << 30);
    assert_string_equal(r.out, "o");
    assert_string_equal(r.json, "-");
    assert_true(REQUEST_GAVE(&r, plan.threads) && REQUEST_GAVE(&r, plan.time) &&
                REQUEST_GAVE(&r, plan.iterations) && REQUEST_GAVE(&r, plan.seed) &&
                REQUEST_GAVE(&r, plan.share) && REQUEST_GAVE(&r, plan.detect));
    assert_false(REQUEST_GAVE(&r, plan.stop_on_first) || REQUEST_GAVE(&r, verify));
    assert_false(r.has_code);
    request_clear(&r);
}

static void the_defaults_hold(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(PARSE(&r, "somersd"), 0);
    assert_null(r.python);
    assert_null(r.json);
    assert_string_equal(r.out, "ftstress-out");
    assert_true(r.timeout == 5 * CLOCK_SECOND && r.memory == 0);
    assert_true(r.given == 0 && !r.has_code);
    assert_false(r.dry_run || r.quiet || r.verbose || r.no_color || r.allow_gil || r.help ||
                 r.plan.stop_on_first);
    request_clear(&r);
}

static void switches_switch(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(PARSE(&r, "--dry-run", "-qv", "--no-color", "--allow-gil", "-h", "--stop-on-first"), 0);
    assert_true(r.dry_run && r.quiet && r.verbose && r.no_color && r.allow_gil && r.help &&
                r.plan.stop_on_first);
    request_clear(&r);
}

static void code_is_collected_line_by_line(void **state)
{
    (void)state;
    struct request r;
    assert_int_equal(PARSE(&r, "-s", "import numpy as np", "-s", "a = 1", "--thread-setup", "b = 2", "-i",
                           "x=f8[40][::2]", "--input=y=i4[3]", "--role", "x.sum()", "--role", "y.sum()",
                           "x = y"),
                     0);
    assert_true(r.has_code);
    assert_string_equal(r.plan.setup, "import numpy as np\na = 1");
    assert_string_equal(r.plan.thread_setup, "b = 2");
    assert_int_equal(r.plan.ninputs, 2);
    assert_string_equal(r.plan.inputs[0].name, "x");
    assert_string_equal(r.plan.inputs[0].recipe, "f8[40][::2]");
    assert_string_equal(r.plan.inputs[1].recipe, "i4[3]");
    assert_int_equal(r.plan.nroles, 2);
    POSITIONALS(&r, "x = y");
    request_clear(&r);
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

/* What was wrapped, in one line again. */
static void unwrap(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        bool blank = *from == ' ' || *from == '\n';
        if (!blank || (to > text && to[-1] != ' '))
            *to++ = blank ? ' ' : *from;
    }
    *to = '\0';
}

static void help_fits_a_terminal(void **state)
{
    (void)state;
    cleanup_free char *text = NULL;
    assert_int_equal(option_help(OPTION_RUN, NULL, &text), 0);
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        assert_true(strlen(line) <= 100);
        assert_true(!*line || line[strlen(line) - 1] != ' ');
    }
}

/* The options part of a command's help has these rows and no others. */
static void assert_help(enum option_command command)
{
    cleanup_free char *text = NULL;
    assert_int_equal(option_help(command, NULL, &text), 0);
    unwrap(text);
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        char name[64], letter[8];
        snprintf(name, sizeof name, " --%s%s%s", row->name, row->argument ? " " : "",
                 row->argument ? row->argument : "");
        const char *at = strstr(text, name);
        if (!(row->commands >> command & 1)) {
            assert_null(strstr(text, row->help));
            continue;
        }
        if (!at)
            fail_msg("--help has no%s", name);
        assert_non_null(strstr(at, row->help));
        assert_true(!row->fallback || strstr(at, row->fallback));
        snprintf(letter, sizeof letter, "-%c,%s", row->letter, " --");
        assert_true(!row->letter || strstr(text, letter));
    }
}

static void help_names_every_option(void **state)
{
    (void)state;
    for (int command = 0; command < OPTION_COMMANDS; command++)
        assert_help((enum option_command)command);
}

static void help_of_run_has_headings(void **state)
{
    (void)state;
    static const char *const headings[] = {"What to run:\n",   "\n\nHow long:\n", "\n\nSharing:\n",
                                           "\n\nDetectors:\n", "\n\nLeaks:\n",    "\n\nTools:\n",
                                           "\n\nOutput:\n"};
    cleanup_free char *text = NULL, *few = NULL;
    assert_int_equal(option_help(OPTION_RUN, NULL, &text), 0);
    assert_int_equal(option_help(OPTION_LIST, NULL, &few), 0);
    const char *at = text;
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        assert_non_null(at = strstr(at, headings[i]));
    assert_int_equal(strncmp(few, "Options:\n", strlen("Options:\n")), 0);
    assert_null(strstr(few, "Output:"));
}

static const char *more_of_as(const char *name)
{
    return strcmp(name, "as") == 0 ? ": a, b" : NULL;
}

static void help_takes_more_text(void **state)
{
    (void)state;
    cleanup_free char *text = NULL;
    assert_int_equal(option_help(OPTION_REPORT, more_of_as, &text), 0);
    assert_non_null(strstr(text, "form of the report: a, b (default: text)\n"));
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
    assert_string_equal(error,
                        "--quiet is an option of `ftstress run`, not of `list`; see `ftstress list --help`");
    request_clear(&r);
    assert_int_equal(parse_for(OPTION_SHOW, &r, (const char *const[]){"--as=json", NULL}), -EINVAL);
    assert_string_equal(error,
                        "--as is an option of `ftstress run` and `ftstress report`, not of `show`; see "
                        "`ftstress show --help`");
    request_clear(&r);
    assert_int_equal(parse_for(OPTION_DOCTOR, &r, (const char *const[]){"-p", "venv", "--no-color", NULL}),
                     0);
    request_clear(&r);
}

static void the_command_line_wins(void **state)
{
    (void)state;
    struct request r;
    struct plan plan;
    plan_init(&plan);
    assert_int_equal(PARSE(&r, "-t", "3", "--time", "1s", "--iterations", "5", "--seed", "6", "--share",
                           "private", "--detect", "none", "--stop-on-first"),
                     0);
    assert_int_equal(request_apply(&r, &plan), 0);
    assert_true(plan.threads == 3 && plan.time == CLOCK_SECOND && plan.iterations == 5 && plan.seed == 6);
    assert_true(plan.share == RUNG_PRIVATE && plan.detect == 0 && plan.stop_on_first);
    request_clear(&r);
    plan_clear(&plan);
}

static void options_not_given_keep_their_values(void **state)
{
    (void)state;
    struct request r;
    struct plan plan;
    plan_init(&plan);
    plan.threads = 5;
    plan.time = 4 * CLOCK_SECOND;
    plan.iterations = 3;
    plan.seed = 2;
    plan.share = RUNG_ALL;
    plan.detect = 1;
    plan.stop_on_first = true;
    assert_int_equal(PARSE(&r, "somersd"), 0);
    assert_int_equal(request_apply(&r, &plan), 0);
    assert_true(plan.threads == 5 && plan.time == 4 * CLOCK_SECOND && plan.iterations == 3 && plan.seed == 2);
    assert_true(plan.share == RUNG_ALL && plan.detect == 1 && plan.stop_on_first);
    request_clear(&r);
    plan_clear(&plan);
}

static void iterations_alone_lift_the_time(void **state)
{
    (void)state;
    struct request r;
    struct plan plan;
    plan_init(&plan);
    assert_int_equal(PARSE(&r, "--iterations", "5"), 0);
    assert_int_equal(request_apply(&r, &plan), 0);
    assert_true(plan.iterations == 5 && plan.time == 0);
    request_clear(&r);
    plan_clear(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_parses_in_every_spelling),
        cmocka_unit_test(every_row_is_well_made),
        cmocka_unit_test(the_values_arrive),
        cmocka_unit_test(the_defaults_hold),
        cmocka_unit_test(switches_switch),
        cmocka_unit_test(code_is_collected_line_by_line),
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
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(help_names_every_option),
        cmocka_unit_test(help_of_run_has_headings),
        cmocka_unit_test(help_takes_more_text),
        cmocka_unit_test(options_of_other_commands_are_refused),
        cmocka_unit_test(the_command_line_wins),
        cmocka_unit_test(options_not_given_keep_their_values),
        cmocka_unit_test(iterations_alone_lift_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
