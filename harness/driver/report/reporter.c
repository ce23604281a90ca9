#include "driver/report/reporter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver/report/document.h"

#define ROW(name, about) {#name, about, reporter_##name},
const struct reporter reporters[] = {REPORTERS(ROW)};
const size_t reporter_count = sizeof reporters / sizeof *reporters;

const struct reporter *reporter_find(const char *name)
{
    for (size_t i = 0; i < reporter_count; i++)
        if (strcmp(reporters[i].name, name) == 0)
            return &reporters[i];
    return NULL;
}

static int render(const struct reporter *reporter, const struct report *report, char **ret_text)
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

/* Removes control characters first: a report may come from anywhere, its text must not steer the terminal, and XML
 * forbids them. JSON escapes them. */
int reporter_render(const struct reporter *reporter, const struct report *report, char **ret_text)
{
    if (reporter->write == reporter_json)
        return render(reporter, report, ret_text);
    struct report clean = *report;
    json_t *document = document_clean(report->document);
    clean.document = document;
    int error = document ? render(reporter, &clean, ret_text) : -ENOMEM;
    json_decref(document);
    return error;
}
