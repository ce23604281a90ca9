/* Groups findings into bugs, and runs the trials of each bug apart. */
#include "driver/session/verify_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/plan/detector_list.h"
#include "driver/judge/link.h"

/* Bugs with trials of their own. */
#define CASES_MAX 3

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
/* They change neither layout nor timing much, so that users see what they see. */
#define LIGHT (BIT(CRASH) | BIT(HANG) | BIT(LOG) | BIT(EXCEPTION) | BIT(INVARIANT) | BIT(DIVERGE) | BIT(TSAN))

/* A cause with its consequences, or the findings of one statement. */
struct bug {
    const struct finding *root;
    const char *statement; /* or NULL, where it cannot be left out */
    uint32_t detect;
    struct verification *found;
};

/* One thread is enough to see a hidden mutation; what it breaks, several threads show. */
static bool is_mutation(const struct finding *finding, const struct plan *plan)
{
    return finding->severity == SEVERITY_HIDDEN_MUTATION && plan->detect & LIGHT;
}

/* Detectors that count over many calls in every child need no trials. */
static bool is_symptom(const struct finding *finding, const struct plan *plan)
{
    bool seen = !finding->serial && (plan->share >= RUNG_ONE_WRITER || !finding_is_users(finding)) &&
                !(DETECTOR_BIT(finding->detector) & DETECTOR_COUNTERS);
    return seen || is_mutation(finding, plan);
}

static struct finding *cause_of(const struct run *run, struct finding *finding)
{
    bool inherits;
    struct finding *cause = link_cause(run, finding, &inherits);
    return cause ? cause : finding;
}

static struct bug *bug_of(struct bug *bugs, unsigned *n, const struct run *run, struct finding *finding)
{
    const struct finding *root = cause_of(run, finding);
    const struct statement *known = statement_find(&run->statements, root->statement);
    const char *statement = known ? known->source : NULL;
    for (unsigned i = 0; i < *n; i++)
        if (bugs[i].root == root || !statement || !bugs[i].statement ||
            strcmp(bugs[i].statement, statement) == 0 || i + 1 == CASES_MAX)
            return &bugs[i];
    bugs[*n] = (struct bug){.root = root, .statement = statement, .found = calloc(1, sizeof *bugs->found)};
    return bugs[*n].found ? &bugs[(*n)++] : NULL;
}

/* Groups the findings that need several threads by their causes. */
static unsigned sort_out(struct run *run, const struct plan *plan, struct bug *bugs)
{
    unsigned n = 0;
    for (size_t i = 0; i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        struct bug *bug = is_symptom(finding, plan) ? bug_of(bugs, &n, run, finding) : NULL;
        if (!bug)
            continue;
        bug->detect |= is_mutation(finding, plan) ? plan->detect & LIGHT : DETECTOR_BIT(finding->detector);
        finding->verification = bug->found;
        cause_of(run, finding)->verification = bug->found;
    }
    return n;
}

/* Runs the trials of one bug without the statements of the others. */
static void run_bug(struct verify *verify, struct bug *bugs, unsigned n, unsigned at)
{
    struct plan plan = *verify->plan;
    const struct plan *whole = verify->plan;
    char *out[PLAN_STEPS_MAX + CASES_MAX];
    for (unsigned i = 0; i < plan.nleave_out; i++)
        out[i] = plan.leave_out[i];
    for (unsigned i = 0; i < n; i++)
        if (i != at && bugs[i].statement && bugs[at].statement) {
            out[plan.nleave_out++] = (char *)bugs[i].statement;
            text_join(&bugs[at].found->without, "; ", bugs[i].statement);
        }
    plan.leave_out = out;
    verify->plan = &plan;
    verify->detect = bugs[at].detect & LIGHT ? bugs[at].detect & LIGHT : bugs[at].detect;
    verify->found = bugs[at].found;
    verify->found->share = plan.share;
    if (n > 1)
        verify->found->root = strdup(bugs[at].root->id);
    verify_variants(verify);
    verify->plan = whole;
}

void verify_run(struct run *run, const struct plan *plan, const struct job_settings *settings,
                uint64_t deadline)
{
    struct verify verify = {.run = run, .plan = plan, .settings = *settings};
    struct bug bugs[CASES_MAX];
    if (plan->threads == 1)
        return;
    unsigned n = sort_out(run, plan, bugs);
    struct verification **end = &run->verification;
    for (unsigned i = 0; i < n; i++) {
        uint64_t now = clock_now();
        *end = bugs[i].found;
        end = &bugs[i].found->next;
        verify.deadline = now + (deadline > now ? (deadline - now) / (n - i) : 0);
        run_bug(&verify, bugs, n, i);
    }
}
