/* The options part of --help, from the table. */
#include "core/plan/option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

#define HELP_COLUMN 27
#define HELP_WIDTH 100

/* Words into lines that begin at HELP_COLUMN; the first is begun already. */
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

static int write_row(const struct option_row *row, FILE *out)
{
    char left[64], letter[4] = "   ";
    cleanup_free char *text = NULL;
    if (row->letter)
        snprintf(letter, sizeof letter, "-%c,", row->letter);
    snprintf(left, sizeof left, "%s --%s%s%s", letter, row->name, row->argument ? " " : "",
             row->argument ? row->argument : "");
    if (asprintf(&text, "%s%s%s%s", row->help, row->fallback ? " (default: " : "",
                 row->fallback ? row->fallback : "", row->fallback ? ")" : "") < 0)
        return -ENOMEM;
    fprintf(out, "  %-*s", HELP_COLUMN - 2, left);
    write_wrapped(text, out);
    fputc('\n', out);
    return 0;
}

int option_help(char **ret_text)
{
    size_t size;
    FILE *out = open_memstream(ret_text, &size);
    int error = out ? 0 : -ENOMEM;
    for (size_t i = 0; i < option_count && !error; i++)
        error = write_row(&option_rows[i], out);
    if (out && fclose(out) != 0)
        error = -ENOMEM;
    return error;
}
