/* Finds references that calls release too often, or never. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/leak/judge_leak.h"

void judge_suspect_call(const struct judge *judge, struct finding *finding)
{
    const struct plan *plan = judge->plan;
    char *callable = plan->nsteps == 1
                         ? statement_callable(&judge->outcome->statements, plan->steps[0], plan->setup)
                         : NULL;
    char *package = callable ? judge_package_of(judge, callable) : NULL;
    evidence_set(&finding->evidence, EVIDENCE_STATEMENT, package ? BLAME_TARGET : BLAME_UNKNOWN, callable,
                 package);
    if (plan->nsteps == 1)
        finding->statement = strdup(plan->steps[0]);
}

static char *name_objects(const struct record *record)
{
    if (record->values[AUDIT_OBJECTS] > 1)
        return judge_format("each of %lld items of %s (%s)", (long long)record->values[AUDIT_OBJECTS],
                            record_text(record, 2), record_text(record, 1));
    return judge_format("%s (%s)", record_text(record, 0), record_text(record, 1));
}

/* A child without this detector may have seen the same bug: these figures replace its sentence. */
static void add_exact(struct judge *judge, struct finding *finding)
{
    char *message = finding->message ? strdup(finding->message) : NULL;
    struct finding *added = finding_list_add(&judge->run->findings, finding, judge->child);
    if (added && added->detector != DETECTOR_REFCOUNT && message) {
        added->detector = DETECTOR_REFCOUNT;
        free(added->message);
        added->message = message;
        finding_make_printable(message, false);
        return;
    }
    free(message);
}

static void add_finding(struct judge *judge, const struct record *record, double rate)
{
    bool gains = rate > 0, is_item = record->values[AUDIT_RELATION] == AUDIT_ITEM;
    const char *manner = gains     ? "never released"
                         : is_item ? "a borrowed reference is released"
                                   : JUDGE_TOO_OFTEN;
    struct finding *finding =
        judge_new_finding(judge, gains ? FINDING_REFERENCE_LEAK : FINDING_REFCOUNT_UNDERFLOW,
                          gains ? SEVERITY_LEAK : SEVERITY_CRASH, DETECTOR_REFCOUNT);
    if (!finding)
        return;
    cleanup_free char *objects = name_objects(record);
    judge_suspect_call(judge, finding);
    finding->input = strdup(record_text(record, is_item ? 2 : 0));
    double times = judge_per_iteration(judge);
    finding->message =
        judge_format("%s: %s %s %.2f references in each %s%s%s%s", manner, objects ? objects : "",
                     gains ? "gains" : "loses", fabs(rate) * times, times > 1 ? "iteration" : "call",
                     finding->statement ? " of " : "", finding->statement ? finding->statement : "",
                     record->values[AUDIT_KIND] ? "; the interpreter defers some counts of this object" : "");
    finding->signature = judge_format("refcount|%s|%s", manner, finding->input);
    add_exact(judge, finding);
}

/* Returns true where at least half of the references are pointers that came or went in memory: none was lost. */
static bool is_explained(const struct record *record, int64_t change)
{
    int64_t pointers = record->values[AUDIT_POINTERS];
    return record->values[AUDIT_HAS_POINTERS] &&
           (change > 0 ? 2 * pointers >= change : 2 * pointers <= change);
}

/* Returns why the change is no finding, the caller's; NULL: it is one. Statements that change shared objects keep
 * references there on purpose, but then memory has pointers to show for them. Instances that do not release their class
 * make no memory grow. */
static char *excuse(const struct judge *judge, const struct record *record, int64_t change)
{
    bool changes = judge->outcome->facts.changes == CHANGES_SEEN, explained = is_explained(record, change);
    long long pointers = llabs((long long)record->values[AUDIT_POINTERS]);
    if (change < 0 && explained)
        return judge_format("memory has %lld fewer pointers to it: they were released as they should be",
                            pointers);
    if (change > 0 && changes && explained)
        return judge_format("the statements change what they share, and memory has %lld new pointers to it",
                            pointers);
    if (change > 0 && changes && !record->values[AUDIT_HAS_POINTERS])
        return strdup("the statements change what they share, and its memory cannot be read");
    if (change > 0 && record->values[AUDIT_RELATION] == AUDIT_CLASS)
        return strdup(
            "nothing grows with references to a class; its tp_dealloc may lack the Py_DECREF of the type "
            "(--audit makes it one)");
    return NULL;
}

static void judge_audit(struct judge *judge, const struct record *record)
{
    struct curve curve = judge_curve(judge, 0, &record->values[AUDIT_POINTS], record->values[AUDIT_NPOINTS]);
    int64_t objects = record->values[AUDIT_OBJECTS] > 0 ? record->values[AUDIT_OBJECTS] : 1;
    struct curve_look look = curve_look(&curve, objects);
    double rate = look.rate / (double)objects;
    if (look.shape != CURVE_STEADY)
        return;
    cleanup_free char *because =
        excuse(judge, record, curve.values[curve.n - 1] - curve.values[COUNTED_WARM_UP]);
    if (because)
        note_add(&judge->run->notes,
                 "refcount: %s (%s) %s %.2f references in each call; no finding, because %s",
                 record_text(record, 0), record_text(record, 1), rate > 0 ? "gains" : "loses", fabs(rate),
                 because);
    else
        add_finding(judge, record, rate);
}

void judge_refcount(struct judge *judge)
{
    for (size_t i = 0; i < judge->outcome->nrecords; i++)
        if (judge->outcome->records[i]->type == RECORD_AUDIT)
            judge_audit(judge, judge->outcome->records[i]);
}
