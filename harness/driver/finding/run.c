#include "driver/finding/run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/text.h"

int note_add(struct note_list *notes, const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int n = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (n < 0)
        return -ENOMEM;
    finding_make_printable(text, false);
    for (size_t i = 0; i < notes->n; i++)
        if (strcmp(notes->items[i], text) == 0) {
            free(text);
            return 0;
        }
    return strings_take(&notes->items, &notes->n, text);
}

int run_log_child(struct run *run, const struct child_entry *entry)
{
    struct child_entry *added = LIST_ADD(run->log.items, run->log.n);
    int error = added ? 0 : -ENOMEM;
    if (added)
        *added = *entry;
    for (size_t i = 0; i < run->findings.n && !error; i++)
        if (run->findings.items[i]->last_child == run->children)
            error = text_join(&added->findings, " ", run->findings.items[i]->id);
    return error;
}

uint64_t run_tested_calls(const struct run *run)
{
    return run->calls - run->counted_calls + (run->threads > 1 ? 0 : run->serial_calls);
}

double run_rate_bound(const struct run *run)
{
    uint64_t calls = run_tested_calls(run);
    if (run->status != STATUS_CLEAN || run->findings.n > 0 || calls == 0)
        return 0;
    return verification_bound((double)calls);
}

/* All ids are of one length. */
static void replace_id(char *text, const char *from, const char *to)
{
    while (text && (text = strstr(text, from)))
        memcpy(text, to, strlen(to)); /* NOLINT(bugprone-not-null-terminated-result): inside a text */
}

void run_rename(struct run *run, struct finding *finding)
{
    if (!finding_list_rename(&run->findings, finding))
        return;
    for (size_t i = 0; i < run->log.n; i++)
        replace_id(run->log.items[i].findings, finding->former, finding->id);
    for (size_t i = 0; i < run->notes.n; i++)
        replace_id(run->notes.items[i], finding->former, finding->id);
    for (size_t i = 0; i < run->findings.n; i++)
        replace_id(run->findings.items[i]->behind, finding->former, finding->id);
}

void run_clear(struct run *run)
{
    finding_list_clear(&run->findings);
    verification_free(run->verification);
    statement_list_clear(&run->statements);
    compared_clear(&run->compared);
    for (size_t i = 0; i < run->log.n; i++)
        free(run->log.items[i].findings);
    free(run->log.items);
    memcheck_clear(&run->memcheck);
    meetings_clear(&run->meetings);
    strings_free(run->notes.items, run->notes.n);
    strings_free(run->no_turn, run->nno_turn);
    strings_free(run->in_place.items, run->in_place.n);
    strings_free(run->changers.items, run->changers.n);
    strings_free(run->environment, run->nenvironment);
    free(run->facts.writes);
    free(run->reason);
    free(run->harness_fault);
    free(run->name);
    *run = (struct run){0};
}
