#include "driver/outcome/meetings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/text.h"
#include "driver/outcome/outcome.h"

char *meetings_role(const struct plan *plan, unsigned role)
{
    char *text = NULL;
    if (plan->nroles > 0)
        return strdup(plan->roles[role % plan->nroles]);
    for (unsigned i = 0; i < plan->nsteps; i++)
        text_join(&text, "; ", plan->steps[i]);
    return text;
}

char *meetings_print(const struct plan *plan, const char *const *results, const char *state)
{
    char *text = NULL, *part;
    for (unsigned i = 0; i < plan->threads && i < PLAN_OUTCOME_ROLES_MAX; i++) {
        char *role = meetings_role(plan, i);
        if (asprintf(&part, "%s → %s", role ? role : "", results[i]) >= 0) {
            text_join(&text, ", ", part);
            free(part);
        }
        free(role);
    }
    if (*state &&
        asprintf(&part, "%s%s%s", plan->state ? plan->state : "", plan->state ? " = " : "", state) >= 0) {
        text_join(&text, "; ", part);
        free(part);
    }
    return text;
}

static bool is_row(const struct meeting_row *row, const struct record *record, unsigned nroles)
{
    bool same = strcmp(row->state, record_text(record, 1 + nroles)) == 0 &&
                row->serial == (record->values[ROW_SERIAL] != 0) &&
                row->failed == (record->values[ROW_FAILED] != 0);
    for (unsigned i = 0; i < nroles && same; i++)
        same = strcmp(row->results[i], record_text(record, 1 + i)) == 0;
    return same;
}

static struct meeting_row *add_row(struct meetings *meetings, const struct record *record, unsigned nroles)
{
    for (size_t i = 0; i < meetings->n; i++)
        if (is_row(&meetings->rows[i], record, nroles))
            return &meetings->rows[i];
    struct meeting_row *row = LIST_ADD(meetings->rows, meetings->n);
    if (!row)
        return NULL;
    for (unsigned i = 0; i < PLAN_OUTCOME_ROLES_MAX; i++)
        row->results[i] = strdup(i < nroles ? record_text(record, 1 + i) : "");
    row->order = strdup(record_text(record, 0));
    row->state = strdup(record_text(record, 1 + nroles));
    row->serial = record->values[ROW_SERIAL] != 0;
    row->failed = record->values[ROW_FAILED] != 0;
    return row;
}

/* Without the example at its end. */
static size_t length_of(const char *lack)
{
    const char *example = strstr(lack, ", such as ");
    return example ? (size_t)(example - lack) : strlen(lack) + 1;
}

static void add_lacks(struct meetings *meetings, const char *lines)
{
    char *copy = strdup(lines), *rest = copy, *line;
    while ((line = strsep(&rest, "\n"))) {
        bool known = !*line;
        for (size_t i = 0; i < meetings->nlacks; i++)
            known |= strncmp(meetings->lacks[i], line, length_of(line)) == 0;
        if (!known)
            strings_add(&meetings->lacks, &meetings->nlacks, line);
    }
    free(copy);
}

static void add_totals(struct meetings *meetings, const struct record *record, const struct plan *plan)
{
    meetings->count += (uint64_t)record->values[MEETINGS_COUNT];
    meetings->time += (uint64_t)record->values[MEETINGS_TIME];
    meetings->others += (uint64_t)record->values[MEETINGS_OTHERS];
    meetings->orders = (unsigned)record->values[MEETINGS_ORDERS];
    add_lacks(meetings, record_text(record, 0));
    if (meetings->nroles > 0)
        return;
    while (meetings->nroles < plan->threads && meetings->nroles < PLAN_OUTCOME_ROLES_MAX) {
        meetings->roles[meetings->nroles] = meetings_role(plan, meetings->nroles);
        meetings->nroles++;
    }
    meetings->state = plan->state ? strdup(plan->state) : NULL;
}

int meetings_learn(struct meetings *meetings, const struct outcome *outcome, const struct plan *plan)
{
    for (size_t i = 0; plan->outcome && i < outcome->nrecords; i++) {
        const struct record *record = outcome->records[i];
        struct meeting_row *row = NULL;
        if (record->type == RECORD_MEETINGS)
            add_totals(meetings, record, plan);
        if (record->type != RECORD_ROW || plan->threads > PLAN_OUTCOME_ROLES_MAX)
            continue;
        row = add_row(meetings, record, plan->threads);
        if (!row)
            return -ENOMEM;
        row->count += (uint64_t)record->values[ROW_COUNT];
    }
    return 0;
}

void meetings_clear(struct meetings *meetings)
{
    for (size_t i = 0; i < meetings->n; i++) {
        for (unsigned k = 0; k < PLAN_OUTCOME_ROLES_MAX; k++)
            free(meetings->rows[i].results[k]);
        free(meetings->rows[i].state);
        free(meetings->rows[i].order);
    }
    free(meetings->rows);
    for (unsigned i = 0; i < meetings->nroles; i++)
        free(meetings->roles[i]);
    free(meetings->state);
    strings_free(meetings->lacks, meetings->nlacks);
    *meetings = (struct meetings){0};
}
