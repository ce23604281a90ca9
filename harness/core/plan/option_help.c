/* The options part of --help, from the table. */
#include "core/plan/option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

#define HELP_COLUMN 27
#define HELP_WIDTH 100
#define FEW 8

const char *const option_group_names[OPTION_GROUPS] = {
    [OPTION_WHAT] = "What to run",    [OPTION_LENGTH] = "How long", [OPTION_SHARING] = "Sharing",
    [OPTION_DETECTORS] = "Detectors", [OPTION_LEAKS] = "Leaks",     [OPTION_TOOLS] = "Tools",
    [OPTION_OUTPUT] = "Output",
};

/* Fills lines that begin at HELP_COLUMN; the first one stands there already. */
static void write_wrapped(const char *text, FILE *out)
{
    size_t at = HELP_COLUMN;
    while (*text) {
        size_t word = strcspn(text, " ");
        bool first = at == HELP_COLUMN, wraps = !first && at + 1 + word > HELP_WIDTH;
        if (wraps)
            at = (size_t)fprintf(out, "\n%*s", HELP_COLUMN, "") - 1;
        at += (size_t)fprintf(out, "%s%.*s", first || wraps ? "" : " ", (int)word, text);
        text += word + strspn(text + word, " ");
    }
}

static int write_row(const struct option_row *row, const char *(*more)(const char *name), FILE *out)
{
    char left[64], letter[4] = "   ";
    cleanup_free char *text = NULL;
    const char *tail = more ? more(row->name) : NULL;
    if (row->letter)
        snprintf(letter, sizeof letter, "-%c,", row->letter);
    snprintf(left, sizeof left, "%s --%s%s%s", letter, row->name, row->argument ? " " : "",
             row->argument ? row->argument : "");
    if (asprintf(&text, "%s%s%s%s%s", row->help, tail ? tail : "", row->fallback ? " (default: " : "",
                 row->fallback ? row->fallback : "", row->fallback ? ")" : "") < 0)
        return -ENOMEM;
    fprintf(out, "  %-*s", HELP_COLUMN - 2, left);
    write_wrapped(text, out);
    fputc('\n', out);
    return 0;
}

/* A command with few options has one heading. */
int option_help(enum option_command command, const char *(*more)(const char *name), char **ret_text)
{
    unsigned n = 0;
    for (size_t i = 0; i < option_count; i++)
        n += option_rows[i].commands >> command & 1;
    bool grouped = n > FEW;
    size_t size;
    FILE *out = open_memstream(ret_text, &size);
    int error = out ? 0 : -ENOMEM, group = -1;
    if (out && !grouped)
        fputs("Options:\n", out);
    for (size_t i = 0; i < option_count && !error; i++) {
        const struct option_row *row = &option_rows[i];
        if (!(row->commands >> command & 1))
            continue;
        if (grouped && (int)row->group != group)
            fprintf(out, "%s%s:\n", group < 0 ? "" : "\n", option_group_names[row->group]);
        group = (int)row->group;
        error = write_row(row, more, out);
    }
    if (out && fclose(out) != 0)
        error = -ENOMEM;
    return error;
}
