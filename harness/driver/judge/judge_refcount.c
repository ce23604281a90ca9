/* References that calls release too often, or never. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/counted.h"
#include "driver/outcome/callable.h"
#include "driver/judge/judge_inside.h"

/* The function that a single statement calls, and its package when it is one with an extension module. */
static void name_function(const struct judge *judge, struct finding *finding)
{
    const struct plan *plan = judge->plan;
    char *callable = plan->nsteps == 1 ? callable_of(plan->steps[0], plan->setup) : NULL;
    size_t top = callable ? strcspn(callable, ".") : 0;
    for (size_t i = 0; callable && i + 1 < judge->outcome->npackages; i += 2) {
        const char *package = judge->outcome->packages[i + 1];
        if (strncmp(package, callable, top) != 0 || (package[top] != '\0' && package[top] != '.'))
            continue;
        char *name = strndup(callable, top);
        finding->package = name ? judge_name_package(judge, judge->outcome->packages[i], name) : NULL;
        finding->blame = BLAME_TARGET;
        free(name);
        break;
    }
    finding->function = callable;
    if (plan->nsteps == 1)
        finding->statement = strdup(plan->steps[0]);
}

static char *name_objects(const struct record *record)
{
    const char *name = record_text(record, 0), *type = record_text(record, 1);
    if (record->values[AUDIT_OBJECTS] > 1)
        return judge_format("each of %lld items of %s (%s)", (long long)record->values[AUDIT_OBJECTS],
                            record_text(record, 2), type);
    return judge_format("%s (%s)", name, type);
}

/* How a reference went, or did not; also in the signature. */
static const char *manner_of(const struct record *record, double rate)
{
    if (rate > 0)
        return "never released";
    return record->values[AUDIT_RELATION] == AUDIT_ITEM ? "a borrowed reference is released"
                                                        : "released twice";
}

static void add_finding(struct judge *judge, const struct record *record, double rate)
{
    struct finding *finding =
        judge_new_finding(judge, rate < 0 ? FINDING_REFCOUNT_UNDERFLOW : FINDING_REFERENCE_LEAK,
                          rate < 0 ? SEVERITY_CRASH : SEVERITY_LEAK, DETECTOR_REFCOUNT);
    char *objects = finding ? name_objects(record) : NULL;
    if (!finding)
        return;
    name_function(judge, finding);
    finding->input = strdup(record_text(record, record->values[AUDIT_RELATION] == AUDIT_ITEM ? 2 : 0));
    double times = judge_per_iteration(judge), each = (rate < 0 ? -rate : rate) * times;
    finding->message =
        judge_format("%s: %s %s %.2f references in each %s%s%s%s", manner_of(record, rate), objects,
                     rate < 0 ? "loses" : "gains", each, times > 1 ? "iteration" : "call",
                     finding->statement ? " of " : "", finding->statement ? finding->statement : "",
                     record->values[AUDIT_KIND] ? "; the interpreter defers some counts of this object" : "");
    finding->signature = judge_format("refcount|%s|%s", manner_of(record, rate), finding->input);
    free(objects);
    finding_list_add(&judge->run->findings, finding, judge->child);
}

/* Statements that change what they share take references on purpose. Instances that do not give back their reference to
 * their class, as many do not, make nothing grow. */
static const char *excuse(const struct judge *judge, const struct record *record, double rate)
{
    if (rate > 0 && judge_sees_changes(judge))
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

static bool may_follow(const struct finding *finding)
{
    return !finding->cause && finding->blame != BLAME_USER &&
           (finding->kind == FINDING_CRASH || finding->kind == FINDING_HEAP_CORRUPTION ||
            finding->kind == FINDING_USE_AFTER_FREE || finding->kind == FINDING_DOUBLE_FREE ||
            finding->kind == FINDING_INTERPRETER_FAULT);
}

/* What is lost in each call is also what is left at the end. */
static const struct finding *find_loss(const struct run *run, const struct finding *left)
{
    for (size_t i = 0; i < run->findings.n; i++) {
        const struct finding *finding = run->findings.items[i];
        if (finding->detector == DETECTOR_GROWTH && finding->function && left->function &&
            strcmp(finding->function, left->function) == 0)
            return finding;
    }
    return NULL;
}

void judge_link_counted(struct run *run)
{
    const struct finding *cause = NULL;
    for (size_t i = 0; i < run->findings.n && !cause; i++)
        if (run->findings.items[i]->kind == FINDING_REFCOUNT_UNDERFLOW &&
            run->findings.items[i]->detector == DETECTOR_REFCOUNT)
            cause = run->findings.items[i];
    for (size_t i = 0; i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        const struct finding *loss = finding->kind == FINDING_SHUTDOWN_LEAK ? find_loss(run, finding) : NULL;
        if (loss)
            judge_take_cause(finding, loss);
        else if (cause && may_follow(finding))
            judge_take_cause(finding, cause);
    }
}
