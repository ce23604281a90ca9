/* The options part of --help, of every command. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "core/plan/option.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(help_names_every_option),
        cmocka_unit_test(help_of_run_has_headings),
        cmocka_unit_test(help_takes_more_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
