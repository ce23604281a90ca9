/* Gives each record of a child to the judge of its type, and the child as a whole to the others. */
#include "driver/judge/judge_inside.h"
#include "driver/leak/judge_leak.h"

#include <string.h>

#include "base/text.h"

/* Damage that a detector of the child found in memory: it shows the place, not the writer. */
void judge_corrupt(struct judge *judge, const struct record *record)
{
    enum detector_id detector = (enum detector_id)record->values[CORRUPT_DETECTOR];
    struct finding *finding =
        (unsigned)detector < DETECTOR_COUNT
            ? judge_new_finding(judge, FINDING_HEAP_CORRUPTION, SEVERITY_CRASH, detector)
            : NULL;
    if (!finding)
        return;
    const char *statement = record_text(record, 2);
    finding->count = (uint64_t)record->values[CORRUPT_COUNT];
    finding->statement = *statement ? strdup(statement) : NULL;
    finding->message = strdup(record_text(record, 0));
    finding->signature = strdup(record_text(record, 1));
    judge_note_changes(judge, finding);
    judge_add(judge, finding);
}

#define NOT_JUDGED(...)
#define JUDGE(id, name, excuses) [RECORD_##id] = judge_##name,
static void (*const judges[RECORD_TYPES])(struct judge *judge, const struct record *record) = {
    RECORD_LIST(NOT_JUDGED, JUDGE, NOT_JUDGED)};

/* A child that ends early has not seen what an earlier one saw. */
static bool has_changer(const struct run *run, const struct plan *plan)
{
    bool has = false;
    for (size_t i = 0; i < run->changers.n; i++) {
        for (unsigned k = 0; k < plan->nsteps; k++)
            has |= strcmp(plan->steps[k], run->changers.items[i]) == 0;
        for (unsigned k = 0; k < plan->nroles; k++)
            has |= strcmp(plan->roles[k], run->changers.items[i]) == 0;
    }
    return has;
}

unsigned judge_outcome(struct run *run, const struct plan *plan, struct outcome *outcome, unsigned child)
{
    bool writes = plan->share >= RUNG_ONE_WRITER && outcome->facts.writes;
    struct judge judge = {.run = run,
                          .plan = plan,
                          .outcome = outcome,
                          .child = child,
                          .writes_arrays = writes,
                          .mutates_arrays = writes || has_changer(run, plan)};
    size_t before = run->findings.n;
    for (size_t i = 0; i < outcome->nrecords; i++) {
        const struct record *record = outcome->records[i];
        if (record->type == RECORD_NOTE)
            note_add(&run->notes, "%s", record_text(record, 0));
        else if (record->type < RECORD_TYPES && judges[record->type])
            judges[record->type](&judge, record);
    }
    if (outcome->dropped_records)
        note_add(&run->notes, "a child sent more records than are kept: %zu of %zu are not judged",
                 outcome->dropped_records, outcome->dropped_records + outcome->nrecords);
    judge_refcount(&judge);
    judge_growth(&judge);
    judge_hint(&judge);
    judge_held(&judge);
    judge_shutdown(&judge);
    judge_tsan(&judge);
    judge_memcheck(&judge);

    judge_end(&judge);
    symbols_close(judge.symbols);
    return (unsigned)(run->findings.n - before);
}

static bool counts(const struct finding *finding, const struct judge_filter *filter)
{
    for (unsigned i = 0; i < filter->nexcept; i++)
        if (text_equal(finding->statement, filter->except[i]))
            return false;
    return filter->users || !finding_is_users(finding);
}

bool judge_shows_failure(const struct plan *plan, struct outcome *outcome, const struct judge_filter *filter)
{
    struct run run = {.threads = plan->threads, .share = plan->share, .suppressions = filter->rules};
    bool fails = false;
    judge_outcome(&run, plan, outcome, 1);
    for (size_t i = 0; i < run.findings.n; i++)
        fails |= counts(run.findings.items[i], filter);
    run_clear(&run);
    return fails;
}
