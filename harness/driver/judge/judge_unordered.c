/* Judges an outcome of a meeting that no order of the calls gives, and a check of the user's that is not true. */
#include "driver/judge/judge_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "driver/outcome/meetings.h"

/* Outcomes of orders that are listed. */
#define ORDERS_SHOWN 6

/* What the statements of all roles do to the shared objects. */
struct roles {
    bool several; /* one of them is several operations */
    bool unclear; /* or what it does is not certain */
    bool plain;   /* all functions are the interpreter's own */
    const char *function;
    char *package;
};

static void read_role(const struct judge *judge, const struct record *record, struct roles *roles)
{
    const char *kind = record_text(record, 1), *function = record_text(record, 2);
    roles->several |= strcmp(kind, "several") == 0;
    roles->unclear |= strcmp(kind, "one") != 0;
    if (!record->values[ROLE_PLAIN])
        roles->plain = false;
    if (!*function || roles->package)
        return;
    if (!roles->function || !record->values[ROLE_PLAIN])
        roles->function = function;
    if (!record->values[ROLE_PLAIN])
        roles->package = judge_package_of(judge, function);
    if (!record->values[ROLE_PLAIN] && !roles->package)
        roles->package = strndup(function, strcspn(function, "."));
}

static void suspect_roles(const struct judge *judge, struct finding *finding)
{
    struct roles roles = {.plain = true};
    for (size_t i = 0; i < judge->outcome->nrecords; i++)
        if (judge->outcome->records[i]->type == RECORD_ROLE)
            read_role(judge, judge->outcome->records[i], &roles);
    enum blame blame = roles.unclear ? BLAME_UNKNOWN : roles.plain ? BLAME_INTERPRETER : BLAME_TARGET;
    if (roles.plain && !roles.package)
        roles.package = blame == BLAME_INTERPRETER ? judge_name_interpreter(judge) : NULL;
    evidence_set(&finding->evidence, EVIDENCE_ORDER, blame, roles.function ? strdup(roles.function) : NULL,
                 roles.package);
    finding->evidence.users = roles.several;
}

/* Does the row have the outcome of the record? */
static bool is_row_of(const struct record *row, const struct record *record)
{
    bool same = (row->values[ROW_FAILED] != 0) == (record->values[UNORDERED_CHECK] != 0) &&
                (row->values[ROW_SERIAL] != 0) == (record->values[UNORDERED_SERIAL] != 0);
    for (unsigned i = 0; same && i <= row->values[ROW_ROLES]; i++)
        same = strcmp(record_text(row, 1 + i), record_text(record, 1 + i)) == 0;
    return same;
}

static void list_orders(const struct judge *judge, const struct record *record, struct finding *finding)
{
    unsigned shown = 0;
    for (size_t i = 0; i < judge->outcome->nrecords; i++) {
        const struct record *row = judge->outcome->records[i];
        const char *results[PLAN_OUTCOME_ROLES_MAX];
        if (row->type != RECORD_ROW)
            continue;
        if (is_row_of(row, record))
            finding->count += (uint64_t)row->values[ROW_COUNT];
        if (!row->values[ROW_SERIAL] || shown++ >= ORDERS_SHOWN)
            continue;
        for (unsigned k = 0; k < PLAN_OUTCOME_ROLES_MAX; k++)
            results[k] = record_text(row, 1 + k);
        cleanup_free char *text =
            meetings_print(judge->plan, results, record_text(row, 1 + judge->plan->threads));
        finding_add_line(finding,
                         judge_format("the order %s gives %s", record_text(row, 0), text ? text : ""));
    }
    if (shown > ORDERS_SHOWN)
        finding_add_line(finding,
                         judge_format("… and at least %u more outcomes of orders", shown - ORDERS_SHOWN));
}

static void name_roles(const struct judge *judge, struct finding *finding)
{
    for (unsigned i = 0; i < judge->plan->threads; i++) {
        cleanup_free char *role = meetings_role(judge->plan, i);
        text_join(&finding->statement, " | ", role ? role : "");
    }
}

void judge_unordered(struct judge *judge, const struct record *record)
{
    const char *results[PLAN_OUTCOME_ROLES_MAX];
    bool check = record->values[UNORDERED_CHECK];
    struct finding *finding =
        judge_new_finding(judge, FINDING_WRONG_RESULT, SEVERITY_WRONG_RESULT, DETECTOR_OUTCOME);
    if (!finding || judge->plan->threads > PLAN_OUTCOME_ROLES_MAX) {
        free(finding);
        return;
    }
    for (unsigned i = 0; i < PLAN_OUTCOME_ROLES_MAX; i++)
        results[i] = record_text(record, 1 + i);
    cleanup_free char *text =
        meetings_print(judge->plan, results, record_text(record, 1 + judge->plan->threads));
    suspect_roles(judge, finding);
    if (record->values[UNORDERED_ARRAYS]) { /* as at the sharing levels */
        finding->evidence.by = EVIDENCE_SHARING;
        finding->evidence.users = true;
    }
    name_roles(judge, finding);
    finding->count = 0;
    list_orders(judge, record, finding);
    finding->count += finding->count == 0;
    if (check)
        finding->message =
            judge_format("the check %s %s after the calls ran together, and true after each order of "
                         "them: %s",
                         judge->plan->check, record_text(record, 0), text ? text : "");
    else
        finding->message = judge_format("no order of the calls gives %s", text ? text : "");
    finding->signature = judge_format("outcome|%s|%s", check ? judge->plan->check : "", finding->statement);
    judge_add(judge, finding);
}
