/* Finds references that calls release too often, or never. */
#include <math.h>
#include <string.h>

#include "base/fd.h"
#include "driver/leak/judge_leak.h"

/* Sets the suspect: the function that a single statement calls, and its package where that has an extension module. */
static void name_function(const struct judge *judge, struct finding *finding)
{
    const struct plan *plan = judge->plan;
    char *callable = plan->nsteps == 1 ? statement_callable(plan->steps[0], plan->setup) : NULL;
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

static void add_finding(struct judge *judge, const struct record *record, double rate)
{
    bool gains = rate > 0, is_item = record->values[AUDIT_RELATION] == AUDIT_ITEM;
    const char *manner = gains     ? "never released"
                         : is_item ? "a borrowed reference is released"
                                   : "released twice";
    struct finding *finding =
        judge_new_finding(judge, gains ? FINDING_REFERENCE_LEAK : FINDING_REFCOUNT_UNDERFLOW,
                          gains ? SEVERITY_LEAK : SEVERITY_CRASH, DETECTOR_REFCOUNT);
    if (!finding)
        return;
    cleanup_free char *objects = name_objects(record);
    name_function(judge, finding);
    finding->input = strdup(record_text(record, is_item ? 2 : 0));
    double times = judge_per_iteration(judge);
    finding->message =
        judge_format("%s: %s %s %.2f references in each %s%s%s%s", manner, objects ? objects : "",
                     gains ? "gains" : "loses", fabs(rate) * times, times > 1 ? "iteration" : "call",
                     finding->statement ? " of " : "", finding->statement ? finding->statement : "",
                     record->values[AUDIT_KIND] ? "; the interpreter defers some counts of this object" : "");
    finding->signature = judge_format("refcount|%s|%s", manner, finding->input);
    finding_list_add(&judge->run->findings, finding, judge->child);
}

/* Statements that change shared objects take references on purpose. Instances that do not release their class make no
 * memory grow. */
static const char *excuse(const struct judge *judge, const struct record *record, double rate)
{
    if (rate > 0 && judge->outcome->facts.changes == CHANGES_SEEN)
        return "the statements change what they share";
    if (rate > 0 && record->values[AUDIT_RELATION] == AUDIT_CLASS)
        return "nothing grows with references to a class; its tp_dealloc may lack the Py_DECREF of the type "
               "(--audit makes it one)";
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
    const char *because = excuse(judge, record, rate);
    if (because)
        note_add(&judge->run->notes,
                 "refcount: %s (%s) gains %.2f references in each call; no finding, because %s",
                 record_text(record, 0), record_text(record, 1), rate, because);
    else
        add_finding(judge, record, rate);
}

void judge_refcount(struct judge *judge)
{
    for (size_t i = 0; i < judge->outcome->nrecords; i++)
        if (judge->outcome->records[i]->type == RECORD_AUDIT)
            judge_audit(judge, judge->outcome->records[i]);
}
