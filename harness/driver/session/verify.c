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
#define LIGHT                                                                                                \
    (BIT(CRASH) | BIT(HANG) | BIT(LOG) | BIT(EXCEPTION) | BIT(INVARIANT) | BIT(DIVERGE) | BIT(TSAN) |        \
     BIT(OUTCOME))

/* A cause with its consequences, or the findings of one statement. */
struct bug {
    const struct finding *root;
    const char *statement; /* or NULL, where it cannot be left out */
    uint32_t detect;
    uint32_t perturb; /* of the children that showed each of its findings; if they share none, the surest's */
    const struct finding *surest; /* the one that most of its children showed */
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
    bugs[*n] = (struct bug){
        .root = root, .statement = statement, .perturb = UINT32_MAX, .found = calloc(1, sizeof *bugs->found)};
    return bugs[*n].found ? &bugs[(*n)++] : NULL;
}

static void add_perturb(struct bug *bug, const struct finding *finding)
{
    const struct finding *surest = bug->surest;
    bug->perturb &= finding->perturb;
    if (!surest || (uint64_t)finding->hit * surest->of > (uint64_t)surest->hit * finding->of)
        bug->surest = finding;
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
        add_perturb(bug, finding);
        finding->verification = bug->found;
        cause_of(run, finding)->verification = bug->found;
    }
    for (unsigned i = 0; i < n; i++)
        if (bugs[i].perturb == 0)
            bugs[i].perturb = bugs[i].surest->perturb;
    return n;
}

static void run_variants(struct verify *verify, struct verification *found, uint32_t detect)
{
    verify->detect = detect & LIGHT ? detect & LIGHT : detect;
    verify->detect_all = detect;
    verify->found = found;
    found->share = verify->plan->share;
    verify_variants(verify);
}

/* Runs the trials of one bug without the statements of the others. */
static void run_apart(struct verify *verify, struct bug *bugs, unsigned n, unsigned at)
{
    struct plan plan = *verify->plan;
    struct verify apart = *verify;
    char *out[PLAN_STEPS_MAX + CASES_MAX];
    for (unsigned i = 0; i < plan.nleave_out; i++)
        out[i] = plan.leave_out[i];
    for (unsigned i = 0; i < n; i++)
        if (i != at && bugs[i].statement && bugs[at].statement && !plan.outcome) {
            out[plan.nleave_out++] = (char *)bugs[i].statement;
            text_join(&bugs[at].found->without, "; ", bugs[i].statement);
        }
    plan.leave_out = out;
    plan.perturb |= bugs[at].perturb;
    apart.plan = &plan;
    apart.seen = (struct trials){bugs[at].root->hit, bugs[at].root->of};
    if (n > 1)
        bugs[at].found->root = strdup(bugs[at].root->id);
    run_variants(&apart, bugs[at].found, bugs[at].detect);
    verify->over = apart.over;
}

static bool is_gone(const struct bug *bug)
{
    return bug->found->without && bug->found->again.of > 0 && bug->found->again.hit == 0;
}

/* Gives the findings of the bugs that are gone these trials, which come before those of the first such bug. */
static void take_together(struct run *run, const struct bug *bugs, unsigned n, struct verification *together)
{
    struct verification **at = &run->verification;
    unsigned first = 0;
    while (!is_gone(&bugs[first])) {
        at = &(*at)->next;
        first++;
    }
    together->next = *at;
    *at = together;
    for (unsigned i = first; i < n; i++)
        for (size_t k = 0; is_gone(&bugs[i]) && k < run->findings.n; k++)
            if (run->findings.items[k]->verification == bugs[i].found)
                run->findings.items[k]->verification = together;
    if (together->root && !strchr(together->root, ' '))
        together->apart = bugs[first].found;
}

/* Runs trials with all statements for the bugs that are gone without the statements of the others: several of them race
 * with one another, and are one bug. A failure in the statement of a bug with trials of its own is not theirs. */
static void run_together(struct verify *verify, struct run *run, const struct bug *bugs, unsigned n)
{
    const struct plan *whole = verify->plan;
    struct plan plan = *whole;
    uint32_t perturb = UINT32_MAX;
    const char *except[CASES_MAX];
    struct verification *together = calloc(1, sizeof *together);
    uint32_t detect = 0;
    verify->filter.except = except;
    for (unsigned i = 0; together && i < n; i++)
        if (is_gone(&bugs[i])) {
            detect |= bugs[i].detect;
            perturb &= bugs[i].perturb;
            text_join(&together->root, " ", bugs[i].root->id);
        } else {
            except[verify->filter.nexcept++] = bugs[i].statement;
        }
    if (detect) {
        plan.perturb |= perturb;
        verify->plan = &plan;
        run_variants(verify, together, detect);
        verify->plan = whole;
    }
    verify->filter.except = NULL;
    if (detect && together->again.of > 0)
        take_together(run, bugs, n, together);
    else
        verification_free(together);
}

void verify_run(struct run *run, const struct plan *plan, const struct job_settings *settings,
                uint64_t deadline)
{
    /* From one-writer on every finding may be the user's, until it fails at a lower level, too. */
    struct verify verify = {.run = run,
                            .plan = plan,
                            .settings = *settings,
                            .filter = {.rules = run->suppressions, .users = plan->share >= RUNG_ONE_WRITER}};
    struct bug bugs[CASES_MAX];
    if (plan->threads == 1)
        return;
    unsigned n = sort_out(run, plan, bugs), gone = 0;
    struct verification **end = &run->verification;
    for (unsigned i = 0; i < n; i++) {
        uint64_t now = clock_now();
        *end = bugs[i].found;
        end = &bugs[i].found->next;
        verify.deadline = now + (deadline > now ? (deadline - now) / (n - i + (gone > 0)) : 0);
        run_apart(&verify, bugs, n, i);
        gone += is_gone(&bugs[i]);
    }
    verify.deadline = deadline;
    run_together(&verify, run, bugs, n);
}
