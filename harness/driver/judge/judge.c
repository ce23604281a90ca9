/* One child after the other: each record to the file that knows its kind; after the last, what explains what. */
#include "driver/judge/judge_inside.h"

#include <string.h>

double judge_per_iteration(const struct judge *judge)
{
    size_t bodies = judge->plan->nroles ? judge->plan->nroles : 1,
           told = judge->outcome->statements.n / bodies;
    size_t n = told ? told : judge->plan->nsteps;
    return n > 1 ? (double)n : 1;
}

bool judge_sees_changes(const struct judge *judge)
{
    return judge->outcome->facts.changes == CHANGES_SEEN;
}

/* Damage in memory that a detector of the child walked over: it says where, not who did it. */
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
    finding->serial = judge->plan->threads == 1;
    finding->statement = *statement ? strdup(statement) : NULL;
    finding->message = strdup(record_text(record, 0));
    finding->signature = strdup(record_text(record, 1));
    judge_label_user_error(judge, finding);
    judge_add(judge, finding);
}

#define NOT_JUDGED(...)
#define JUDGE(id, name, excuses) [RECORD_##id] = judge_##name,
static void (*const judges[RECORD_TYPES])(struct judge *judge, const struct record *record) = {
    RECORD_LIST(NOT_JUDGED, JUDGE, NOT_JUDGED)};

static void judge_record(struct judge *judge, const struct record *record)
{
    if (record->type == RECORD_NOTE)
        note_add(&judge->run->notes, "%s", record_text(record, 0));
    else if (record->type < RECORD_TYPES && judges[record->type])
        judges[record->type](judge, record);
}

unsigned judge_outcome(struct run *run, const struct plan *plan, const struct outcome *outcome,
                       unsigned child)
{
    struct judge judge = {.run = run, .plan = plan, .outcome = outcome, .child = child};
    judge.writes_arrays = plan->share >= RUNG_ONE_WRITER && outcome->facts.writes;
    judge.mutates_arrays = judge.writes_arrays;
    size_t before = run->findings.n;
    for (size_t i = 0; i < outcome->nrecords; i++)
        judge_record(&judge, outcome->records[i]);
    judge_refcount(&judge);
    judge_growth(&judge);
    judge_held(&judge);
    judge_shutdown(&judge);
    judge_tsan(&judge);
    judge_memcheck(&judge);
    judge.leak = judge_nanobind(&judge);
    judge_end(&judge);
    symbols_close(judge.symbols);
    return (unsigned)(run->findings.n - before);
}

/* A function that changes inputs for good is an in-place API; that one of its writes left no trace is chance. */
static bool is_in_place(const struct run *run, const struct finding *finding)
{
    if (finding->detector != DETECTOR_TRIPWIRE || !finding->function)
        return false;
    for (size_t i = 0; i < run->in_place.n; i++)
        if (strcmp(run->in_place.items[i], finding->function) == 0)
            return true;
    return false;
}

static void drop_in_place(struct run *run)
{
    for (size_t i = 0; i < run->findings.n;)
        if (is_in_place(run, run->findings.items[i]))
            finding_list_remove(&run->findings, i);
        else
            i++;
}

/* A function that writes to the shared input explains a corrupt heap, a crash, a changed input and a late exception of
 * the same run. Two such functions: nobody can say which. */
void judge_link(struct run *run)
{
    size_t mutations;
    drop_in_place(run);
    judge_link_heap(run);
    const struct finding *cause = finding_list_only(&run->findings, SEVERITY_HIDDEN_MUTATION, &mutations);
    if (mutations == 0)
        cause = judge_link_tsan(run);
    for (size_t i = 0; cause && i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        bool counted = finding->kind >= FINDING_REFCOUNT_UNDERFLOW && finding->kind <= FINDING_SHUTDOWN_LEAK;
        bool foreign = counted || finding->blame == BLAME_USER || finding->kind == FINDING_HANG ||
                       finding->detector == cause->detector;
        if (finding != cause && !foreign)
            judge_take_cause(finding, cause);
    }
    judge_link_counted(run);
    finding_list_sort(&run->findings);
}
