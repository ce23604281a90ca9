#include "driver/finding/child_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"

static char *list_findings(const struct finding_list *findings, unsigned child)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < findings->n; i++)
        if (findings->items[i]->last_child == child)
            fprintf(out, "%s%s", ftell(out) > 0 ? " " : "", findings->items[i]->id);
    return fclose(out) == 0 ? text : NULL;
}

int child_log_add(struct child_log *log, const struct child_entry *entry, const struct finding_list *findings,
                  unsigned child)
{
    struct child_entry *added = LIST_ADD(log->items, log->n);
    if (!added)
        return -ENOMEM;
    *added = *entry;
    added->findings = list_findings(findings, child);
    return added->findings ? 0 : -ENOMEM;
}

void child_log_clear(struct child_log *log)
{
    for (size_t i = 0; i < log->n; i++)
        free(log->items[i].findings);
    free(log->items);
    *log = (struct child_log){0};
}
