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

/* Removes control characters first: a report may come from anywhere, its text must not steer the terminal, and XML
 * forbids them. JSON escapes them. */
int reporter_render(const struct reporter *reporter, const struct report *report, char **ret_text)
{
    char *text = NULL;
    size_t size;
    struct report clean = *report;
    json_auto_t *document = reporter->write == reporter_json ? json_incref((json_t *)report->document)
                                                             : document_clean(report->document);
    FILE *out = document ? open_memstream(&text, &size) : NULL;
    if (!out)
        return -ENOMEM;
    clean.document = document;
    int error = reporter->write(&clean, out);
    if (fclose(out) != 0 && !error)
        error = -ENOMEM;
    if (error)
        free(text);
    else
        *ret_text = text;
    return error;
}
