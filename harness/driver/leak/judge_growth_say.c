/* What the judge of growth reports, in sentences. */
#include "base/fd.h"
#include "driver/leak/judge_leak.h"

#include <string.h>

#define KIB 1024.0

const char *judge_growth_statement(const struct judge *judge, enum growth_verdict verdict)
{
    const struct plan *plan = judge->plan;
    if (verdict != GROWTH_LEAK && plan->fresh)
        return plan->fresh;
    return plan->nsteps == 1 ? plan->steps[0] : "";
}

char *judge_say_growth(const struct judge *judge, enum growth_verdict verdict, const char *function,
                       const char *package, const char *list, bool held)
{
    cleanup_free char *called = statement_callable(
        &judge->outcome->statements, judge_growth_statement(judge, verdict), judge->plan->setup);
    const char *who = function ? function : called ? called : "something";
    const char *release = judge->plan->release;
    const char *each = judge_per_iteration(judge) > 1 ? "iteration" : "call";
    package = package ? package : "Python code, or the interpreter";
    switch (verdict) {
    case GROWTH_LEAK:
        return judge_format("%s (%s) %s in each %s: %s", who, package, held ? "keeps" : "loses", each, list);
    case GROWTH_RETAINED:
        return judge_format("%s (%s) keeps for each new call, also after `%s`: %s", who, package, release,
                            list);
    case GROWTH_UNBOUNDED:
        if (release)
            return judge_format("unbounded-cache: %s (%s) keeps for each new call, until `%s`: %s", who,
                                package, release, list);
        return judge_format("%s (%s) keeps for each new call, in an unbounded cache or by a loss: %s; "
                            "name the release step with --release to separate the two",
                            who, package, list);
    default:
        return judge_format("%s (%s): %s", who, package, list);
    }
}

void judge_say_code(struct judge *judge, double code, double native, enum detector_id detector)
{
    const struct plan *plan = judge->plan;
    cleanup_free char *text =
        judge_format("jit-growth: %.1f KiB of code and %.1f KiB of native memory for each call of `%s`",
                     code / KIB, native / KIB, plan->fresh);
    bool fits = !plan->budget || code + native <= (double)plan->budget;
    if (text && fits)
        note_add(&judge->run->notes, "%s", text);
    struct finding *finding =
        text && !fits ? judge_new_finding(judge, FINDING_MEMORY_GROWTH, SEVERITY_LEAK, detector) : NULL;
    if (!finding)
        return;
    finding->statement = strdup(plan->fresh);
    finding->message = judge_format("%s, more than the budget of %.1f KiB", text, (double)plan->budget / KIB);
    finding->signature = judge_format("growth|%s|", growth_verdict_names[GROWTH_JIT]);
    finding_list_add(&judge->run->findings, finding, judge->child);
}
