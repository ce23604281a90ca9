#include "driver/report/reporter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct reporter reporters[] = {
    {"text", "for the terminal", reporter_text},
    {"json", "ftstress-report/1, for programs", reporter_json},
    {"junit", "JUnit XML, for the test page of a CI server", reporter_junit},
    {"sarif", "SARIF 2.1.0, for code scanners and editors", reporter_sarif},
    {"html", "one page that needs nothing else, for people", reporter_html},
    {"github", "Markdown, for a bug report", reporter_github},
};
const size_t reporter_count = sizeof reporters / sizeof *reporters;

const struct reporter *reporter_find(const char *name)
{
    for (size_t i = 0; i < reporter_count; i++)
        if (strcmp(reporters[i].name, name) == 0)
            return &reporters[i];
    return NULL;
}

int reporter_render(const struct reporter *reporter, const json_t *report, char **ret_text)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    int error = reporter->write(report, out);
    if (fclose(out) != 0 && !error)
        error = -ENOMEM;
    if (error)
        free(text);
    else
        *ret_text = text;
    return error;
}

int reporter_json(const json_t *report, FILE *out)
{
    if (json_dumpf(report, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0)
        return -ENOMEM;
    fputc('\n', out);
    return 0;
}
