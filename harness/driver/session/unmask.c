#include "driver/session/unmask.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

/* Children with the same end before its statement is left out. */
#define KNOWN 3

void unmask_init(struct unmask *unmask, const struct plan *plan)
{
    *unmask = (struct unmask){.plan = *plan};
    for (unsigned i = 0; i < plan->nleave_out && i < PLAN_STEPS_MAX; i++)
        unmask->out[i] = plan->leave_out[i];
    unmask->plan.leave_out = unmask->out;
}

void unmask_clear(struct unmask *unmask)
{
    for (unsigned i = 0; i < unmask->ncounts; i++)
        free(unmask->counts[i].statement);
    free(unmask->masking);
    *unmask = (struct unmask){0};
}

/* Returns the statement that most threads of a hung child are inside. */
static const char *stuck_in(const struct outcome *outcome, unsigned threads)
{
    const struct statement_list *list = &outcome->statements;
    unsigned counts[BOARD_STATEMENTS] = {0}, most = 0;
    const char *found = NULL;
    for (unsigned i = 0; i < threads && i < PLAN_THREADS_MAX; i++) {
        const struct statement *statement =
            outcome->workers[i].inside ? statement_at(list, i, outcome->workers[i].inside - 1) : NULL;
        if (statement && statement->number >= 0 && statement->number < BOARD_STATEMENTS &&
            ++counts[statement->number] > most) {
            most = counts[statement->number];
            found = statement->source;
        }
    }
    return found;
}

/* Returns the statement of the thread that crashed. */
static const char *crashed_in(const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->nrecords; i++)
        if (outcome->records[i]->type == RECORD_CRASH)
            return record_text(outcome->records[i], 0);
    return NULL;
}

static struct unmask_count *count_of(struct unmask *unmask, const char *statement)
{
    for (unsigned i = 0; i < unmask->ncounts; i++)
        if (strcmp(unmask->counts[i].statement, statement) == 0)
            return &unmask->counts[i];
    if (unmask->ncounts == BOARD_STATEMENTS)
        return NULL;
    unmask->counts[unmask->ncounts] = (struct unmask_count){.statement = strdup(statement)};
    return &unmask->counts[unmask->ncounts++];
}

static size_t statements_left(const struct unmask *unmask, const struct statement_list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        n += !statement_is_left_out(&unmask->plan, list->items[i].source);
    return n;
}

static const struct finding *seen_now(const struct run *run, enum severity severity)
{
    for (size_t i = 0; i < run->findings.n; i++) {
        const struct finding *finding = run->findings.items[i];
        if (finding->last_child == run->children && !finding->serial && finding->severity == severity &&
            !finding_is_users(finding))
            return finding;
    }
    return NULL;
}

/* Returns the finding that ended this child or its rounds, and so hides bugs that need more rounds. */
static const struct finding *ended_by(const struct run *run, const struct outcome *outcome)
{
    const struct finding *finding;
    if (outcome->hung)
        return seen_now(run, SEVERITY_HANG);
    if (outcome_crashed(outcome))
        return outcome->phase == BOARD_RUN ? seen_now(run, SEVERITY_CRASH) : NULL;
    return (finding = seen_now(run, SEVERITY_EXCEPTION)) ? finding : seen_now(run, SEVERITY_WRONG_RESULT);
}

static void mark_new(struct unmask *unmask, struct run *run)
{
    const struct finding *masking = finding_list_find(&run->findings, unmask->masking);
    for (size_t i = 0; masking && i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        if (finding->order >= unmask->nbefore && !finding->behind)
            finding->behind = strdup(masking->id);
    }
}

static bool same_call(const struct unmask *unmask, const struct statement_list *list, const char *one,
                      const char *other)
{
    cleanup_free char *a = statement_callable(list, one, unmask->plan.setup),
                      *b = statement_callable(list, other, unmask->plan.setup);
    return strcmp(one, other) == 0 || (a && b && strcmp(a, b) == 0);
}

static void leave_one_out(struct unmask *unmask, struct run *run, const char *statement)
{
    struct unmask_count *count = count_of(unmask, statement);
    if (!count || unmask->plan.nleave_out >= PLAN_STEPS_MAX)
        return;
    unmask->out[unmask->plan.nleave_out++] = count->statement;
    for (size_t i = 0; i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        if (finding->statement && strcmp(finding->statement, statement) == 0)
            finding->out_from = run->children + 1;
    }
}

/* Leaves out the statement and others that make the same call, as long as one is left. */
static void leave_out(struct unmask *unmask, struct run *run, const struct finding *finding,
                      const char *statement)
{
    const struct statement_list *list = &run->statements;
    for (unsigned i = 0; i < unmask->ncounts; i++)
        unmask->counts[i].ended = 0;
    for (size_t i = 0; i < list->n && statements_left(unmask, list) > 1; i++)
        if (!statement_is_left_out(&unmask->plan, list->items[i].source) &&
            same_call(unmask, list, list->items[i].source, statement))
            leave_one_out(unmask, run, list->items[i].source);
    free(unmask->masking);
    unmask->masking = strdup(finding->id);
    unmask->nbefore = run->findings.n;
    note_add(
        &run->notes,
        "%s ended %d children or their rounds: from child %u on the run leaves out `%s`, to see what lies behind it",
        finding->id, KNOWN, run->children + 1, statement);
}

bool unmask_learn(struct unmask *unmask, struct run *run, const struct outcome *outcome)
{
    mark_new(unmask, run);
    size_t n;
    const struct finding *finding = ended_by(run, outcome),
                         *mutation = finding_list_only(&run->findings, SEVERITY_HIDDEN_MUTATION, &n);
    if (!finding || statements_left(unmask, &run->statements) < 2 ||
        unmask->plan.nleave_out >= PLAN_STEPS_MAX || unmask->plan.outcome)
        return false;
    const char *statement = outcome->hung              ? stuck_in(outcome, unmask->plan.threads)
                            : outcome_crashed(outcome) ? crashed_in(outcome)
                                                       : finding->statement;
    /* It explains the run's crashes. */
    if (mutation && mutation->statement && !statement_is_left_out(&unmask->plan, mutation->statement))
        statement = mutation->statement;
    if (!statement_find(&run->statements, statement) || statement_is_left_out(&unmask->plan, statement))
        return false;
    struct unmask_count *count = count_of(unmask, statement);
    if (!count || ++count->ended < KNOWN)
        return false;
    leave_out(unmask, run, finding, statement);
    return true;
}
