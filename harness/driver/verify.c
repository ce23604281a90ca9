/* See verify.h. */
#include "driver/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/detector_list.h"
#include "driver/callable.h"
#include "driver/judge.h"

/* How long the threads of a child have, after what it takes until they run: at most so long. */
#define CHILD_TIME (1200 * UINT64_C(1000000))
#define START_MAX (8 * CLOCK_SECOND)
#define START_FACTOR 1.2
/* Where the first trials show nothing. */
#define RARE_TIME (4 * CHILD_TIME)
/* What fails each time, and soon, need not be waited for so long where it does not fail. */
#define PATIENCE 8
#define CHILD_TIME_LEAST (400 * UINT64_C(1000000))
/* Trials of the plan as it was: until it has failed so often, or so many are made. */
#define HITS 3
#define TRIALS_MAX 9
/* Bugs that are told apart. */
#define CASES_MAX 3

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
/* They change neither layout nor timing much: what they see, users see. */
#define LIGHT (BIT(CRASH) | BIT(HANG) | BIT(LOG) | BIT(EXCEPTION) | BIT(INVARIANT) | BIT(DIVERGE) | BIT(TSAN))

struct verify {
    const struct report *report;
    const struct plan *plan; /* of this case */
    struct job_settings settings;
    uint64_t deadline;
    uint32_t detect;
    bool over; /* for all bugs: the user said so, or a child could not be started */
    struct verification *found;
    const struct suppression_list *suppressions;
};

/* A cause with all that follows from it, or findings of one statement. */
struct bug {
    const struct finding *root;
    const char *statement; /* or NULL */
    uint32_t detect;
    struct verification *found;
};

/* At one-writer and above everything is labelled as the user's until a lower rung fails, too. */
static bool counts(const struct finding *finding, const struct plan *plan)
{
    return finding->blame != BLAME_USER || plan->share >= RUNG_ONE_WRITER;
}

/* One thread is enough to see a hidden mutation; what it breaks, several threads show. */
static bool is_mutation(const struct finding *finding, const struct plan *plan)
{
    return strcmp(finding->severity, "hidden-mutation") == 0 && plan->detect & LIGHT;
}

/* The detectors that are to see it again. */
static uint32_t bits_of(const struct finding *finding, const struct plan *plan)
{
    if (is_mutation(finding, plan))
        return plan->detect & LIGHT;
    for (int id = 0; id < DETECTOR_COUNT; id++)
        if (strcmp(detector_rows[id].name, finding->detector) == 0)
            return DETECTOR_BIT(id);
    return 0;
}

/* What is counted over many calls in every child needs no further trials. */
static bool is_symptom(const struct finding *finding, const struct plan *plan)
{
    if (is_mutation(finding, plan))
        return true;
    return !finding->serial && counts(finding, plan) && !(bits_of(finding, plan) & DETECTOR_COUNTERS);
}

/* Returns 1: fails; 0: does not; -1: says nothing. */
static int try_once(struct verify *verify, const struct plan *plan, struct outcome *outcome)
{
    struct report scratch = {
        .threads = plan->threads, .share = plan->share, .suppressions = verify->suppressions};
    *outcome = (struct outcome){0};
    if (verify->over || clock_now() >= verify->deadline)
        return -1;
    if (job_run(plan, &verify->settings, outcome) < 0) {
        verify->over = true;
        return -1;
    }
    judge_outcome(&scratch, plan, outcome, 1);
    int fails = outcome->cannot ? -1 : 0;
    for (size_t i = 0; i < scratch.findings.n; i++)
        if (counts(scratch.findings.items[i], verify->plan))
            fails = 1;
    verify->over |= outcome->interrupted;
    report_clear(&scratch);
    return fails;
}

static void note_first(struct verification *found, const struct outcome *outcome)
{
    if (found->nfirst == VERIFICATION_HITS || outcome->seconds_to_hit <= 0)
        return;
    found->first[found->nfirst].calls = outcome->calls_to_hit;
    found->first[found->nfirst++].seconds = outcome->seconds_to_hit;
}

/* Until so many hits, or n trials. */
static void try_arm(struct verify *verify, const struct plan *plan, unsigned hits, unsigned n,
                    struct trials *trials)
{
    while (trials->of < n && trials->hit < hits) {
        struct outcome outcome;
        int fails = try_once(verify, plan, &outcome);
        if (fails > 0 && trials == &verify->found->again)
            note_first(verify->found, &outcome);
        if (outcome_environment(&outcome, "mutates"))
            verify->found->mutates = true;
        outcome_clear(&outcome);
        if (fails < 0)
            return;
        trials->of++;
        trials->hit += (unsigned)fails;
    }
}

static uint64_t work_of(const struct verification *found)
{
    double longest = 0;
    if (found->again.of >= HITS && found->again.hit == 0)
        return RARE_TIME;
    if (!found->over || found->again.hit < found->again.of || found->nfirst < found->again.hit)
        return CHILD_TIME;
    for (unsigned i = 0; i < found->nfirst; i++)
        if (found->first[i].seconds > longest)
            longest = found->first[i].seconds;
    uint64_t work = (uint64_t)(PATIENCE * longest * (double)CLOCK_SECOND);
    return work < CHILD_TIME_LEAST ? CHILD_TIME_LEAST : work < CHILD_TIME ? work : CHILD_TIME;
}

/* The plan of a child of the arm; a shallow copy. */
static struct plan arm_of(const struct verify *verify)
{
    struct plan arm = *verify->plan;
    arm.detect = verify->detect;
    arm.stop_on_first = true;
    uint64_t start = (uint64_t)(START_FACTOR * verify->report->start * (double)CLOCK_SECOND);
    uint64_t time = work_of(verify->found) + (start < START_MAX ? start : START_MAX);
    if (!arm.iterations && (arm.time == 0 || arm.time > time))
        arm.time = time;
    return arm;
}

/* How many trials without a hit say something: at least three, so that one lucky child decides nothing. */
static unsigned trials_needed(const struct verification *found)
{
    unsigned n = HITS;
    while (n < TRIALS_MAX && !verification_is_telling(found, &(struct trials){0, n}))
        n++;
    return n;
}

/* Without the statements that this says; what they gave once stands for them. */
static void try_without(struct verify *verify, bool (*is_out)(const struct statement *, const void *),
                        const void *context, unsigned n, struct trials *trials)
{
    struct plan arm = arm_of(verify);
    const struct statement_list *list = &verify->report->statements;
    char **out = calloc(arm.nleave_out + list->n + 1, sizeof *out);
    if (!out)
        return;
    for (unsigned i = 0; i < arm.nleave_out; i++)
        out[i] = arm.leave_out[i];
    arm.leave_out = out;
    for (size_t i = 0; i < list->n; i++)
        if (is_out(&list->items[i], context))
            out[arm.nleave_out++] = list->items[i].source;
    try_arm(verify, &arm, 1, n, trials);
    free(out);
}

/* What a statement calls, or else its own text. The caller's. */
static char *call_of(const struct statement *statement, const struct plan *plan)
{
    char *call = callable_of(statement->source, plan->setup);
    return call ? call : strdup(statement->source);
}

struct call {
    const char *name;
    const struct plan *plan;
};

static bool makes_call(const struct statement *statement, const void *context)
{
    const struct call *call = context;
    char *name = call_of(statement, call->plan);
    bool same = name && strcmp(name, call->name) == 0;
    free(name);
    return same;
}

static bool is_known(const struct verification *found, const char *call)
{
    for (unsigned i = 0; i < found->nknock_outs; i++)
        if (strcmp(found->knock_outs[i].call, call) == 0)
            return true;
    return false;
}

/* One arm for each function that the statements call, whatever their role. */
static void knock_out_calls(struct verify *verify, unsigned n)
{
    struct verification *found = verify->found;
    const struct statement_list *list = &verify->report->statements;
    for (size_t i = 0; i < list->n && found->nknock_outs < VERIFICATION_CALLS; i++) {
        if (statement_is_left_out(verify->plan, list->items[i].source))
            continue;
        char *name = call_of(&list->items[i], verify->plan);
        if (!name || is_known(found, name)) {
            free(name);
            continue;
        }
        struct knock_out *arm = &found->knock_outs[found->nknock_outs++];
        arm->call = name;
        arm->plain = list->items[i].plain;
        arm->package = list->items[i].package ? strdup(list->items[i].package) : NULL;
        try_without(verify, makes_call, &(struct call){name, verify->plan}, n, &arm->trials);
    }
}

/* The names of what the statements share, each once. Returns how many. */
static unsigned list_shared(const struct verify *verify, char names[][64], unsigned most)
{
    const struct statement_list *list = &verify->report->statements;
    unsigned n = 0;
    for (size_t i = 0; i < list->n; i++)
        for (const char *at = list->items[i].objects; *at;) {
            size_t length = strcspn(at, ",");
            bool known = length >= 64;
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)length, at);
            for (unsigned k = 0; k < n; k++)
                known |= strcmp(names[k], name) == 0;
            if (!known && n < most && !plan_is_private(verify->plan, name))
                memcpy(names[n++], name, sizeof name);
            at += length + (at[length] == ',');
        }
    return n;
}

/* Each of several shared objects private in turn. */
static void part_names(struct verify *verify, unsigned n)
{
    struct verification *found = verify->found;
    char names[VERIFICATION_CALLS][64];
    unsigned shared = list_shared(verify, names, VERIFICATION_CALLS);
    for (unsigned i = 0; shared > 1 && i < shared; i++) {
        struct plan arm = arm_of(verify);
        char *private;
        if (asprintf(&private, "%s,%s", arm.private ? arm.private : "", names[i]) < 0)
            return;
        struct knock_out *input = &found->inputs[found->ninputs++];
        input->call = strdup(names[i]);
        arm.private = private;
        try_arm(verify, &arm, 1, n, &input->trials);
        free(private);
    }
}

/* Down the ladder, as far as it fails. */
static void descend(struct verify *verify, unsigned n)
{
    struct plan arm = arm_of(verify);
    for (int rung = (int)verify->plan->share - 1; rung >= (int)RUNG_PRIVATE; rung--) {
        arm.share = (enum rung)rung;
        struct trials *trials = &verify->found->ladder[rung];
        try_arm(verify, &arm, 1, n, trials);
        if (trials->hit == 0)
            return;
    }
}

static bool is_not_plain(const struct statement *statement, const void *context)
{
    (void)context;
    return !statement->plain;
}

/* The interpreter by itself: only the statements that are its own. */
static void try_plain(struct verify *verify, unsigned n)
{
    const struct statement_list *list = &verify->report->statements;
    size_t plain = 0;
    for (size_t i = 0; i < list->n; i++)
        plain += list->items[i].plain && !statement_is_left_out(verify->plan, list->items[i].source);
    verify->found->all_plain = list->n > 0 && plain == list->n;
    if (plain > 0 && plain < list->n)
        try_without(verify, is_not_plain, NULL, n, &verify->found->plain);
}

static void run_arms(struct verify *verify)
{
    struct verification *found = verify->found;
    struct plan arm = arm_of(verify);
    try_arm(verify, &arm, HITS, HITS, &found->again);
    arm = arm_of(verify);
    try_arm(verify, &arm, HITS, TRIALS_MAX, &found->again);
    if (found->again.hit == 0)
        return;
    found->over = true;
    unsigned n = trials_needed(found);
    arm = arm_of(verify);
    knock_out_calls(verify, n);
    verify->settings.gil = true;
    try_arm(verify, &arm, 1, n, &found->gil);
    verify->settings.gil = false;
    descend(verify, n);
    arm.threads = 1;
    try_arm(verify, &arm, 1, 1, &found->alone);
    try_plain(verify, n);
    if (arm.share != RUNG_PRIVATE)
        part_names(verify, n);
}

/* Cases */

static struct finding *cause_of(const struct report *report, struct finding *finding)
{
    for (size_t i = 0; finding->cause && i < report->findings.n; i++)
        if (strcmp(report->findings.items[i]->id, finding->cause) == 0)
            return report->findings.items[i];
    return finding;
}

static bool belongs(const struct bug *bug, const struct finding *root, const char *statement)
{
    return bug->root == root || !statement || !bug->statement || strcmp(bug->statement, statement) == 0;
}

/* The statement, as long as it can be left out. */
static const char *statement_of(const struct report *report, const struct finding *finding)
{
    const struct statement *statement = statement_find(&report->statements, finding->statement);
    return statement ? statement->source : NULL;
}

static struct bug *bug_of(struct bug *bugs, unsigned *n, const struct report *report, struct finding *finding)
{
    const struct finding *root = cause_of(report, finding);
    const char *statement = statement_of(report, root);
    for (unsigned i = 0; i < *n; i++)
        if (belongs(&bugs[i], root, statement) || i + 1 == CASES_MAX)
            return &bugs[i];
    bugs[*n] = (struct bug){.root = root, .statement = statement, .found = calloc(1, sizeof *bugs->found)};
    return bugs[*n].found ? &bugs[(*n)++] : NULL;
}

/* Findings that several threads show, by what they come from. */
static unsigned sort_out(struct report *report, const struct plan *plan, struct bug *bugs)
{
    unsigned n = 0;
    for (size_t i = 0; i < report->findings.n; i++) {
        struct finding *finding = report->findings.items[i];
        struct bug *bug = is_symptom(finding, plan) ? bug_of(bugs, &n, report, finding) : NULL;
        if (!bug)
            continue;
        bug->detect |= bits_of(finding, plan);
        finding->verification = bug->found;
        cause_of(report, finding)->verification = bug->found;
    }
    return n;
}

static void add_line(char **text, const char *line)
{
    char *grown;
    if (asprintf(&grown, "%s%s%s", *text ? *text : "", *text ? "; " : "", line) < 0)
        return;
    free(*text);
    *text = grown;
}

/* One bug without the statements of the others. */
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
            add_line(&bugs[at].found->without, bugs[i].statement);
        }
    plan.leave_out = out;
    verify->plan = &plan;
    verify->detect = bugs[at].detect & LIGHT ? bugs[at].detect & LIGHT : bugs[at].detect;
    verify->found = bugs[at].found;
    verify->found->share = plan.share;
    if (n > 1)
        verify->found->root = strdup(bugs[at].root->id);
    run_arms(verify);
    verify->plan = whole;
}

int verify_run(struct report *report, const struct plan *plan, const struct job_settings *settings,
               uint64_t deadline)
{
    struct verify verify = {
        .report = report, .plan = plan, .settings = *settings, .suppressions = report->suppressions};
    struct bug bugs[CASES_MAX];
    if (plan->threads == 1)
        return 0;
    unsigned n = sort_out(report, plan, bugs);
    struct verification **end = &report->verification;
    for (unsigned i = 0; i < n; i++) {
        uint64_t now = clock_now();
        *end = bugs[i].found;
        end = &bugs[i].found->next;
        verify.deadline = now + (deadline > now ? (deadline - now) / (n - i) : 0);
        run_bug(&verify, bugs, n, i);
    }
    return 0;
}

/* What follows */

static void set_text(char **text, const char *value)
{
    char *copy = value ? strdup(value) : NULL;
    free(*text);
    *text = copy;
}

static void blame_interpreter(const struct report *report, struct finding *finding)
{
    char package[64] = "CPython";
    for (size_t i = 0; i < report->nenvironment; i++)
        if (strncmp(report->environment[i], "python=", 7) == 0)
            snprintf(package, sizeof package, "CPython %.*s", (int)strcspn(report->environment[i] + 7, " "),
                     report->environment[i] + 7);
    if (finding->blame != BLAME_INTERPRETER)
        set_text(&finding->function, NULL);
    finding->blame = BLAME_INTERPRETER;
    set_text(&finding->package, package);
}

/* Does it still fail without all calls into this package? Then its frames were only where it broke. */
static bool is_innocent(const struct verification *found, const char *package)
{
    for (unsigned i = 0; package && i < found->nknock_outs; i++)
        if (found->knock_outs[i].trials.hit > 0 && found->knock_outs[i].package &&
            strcmp(found->knock_outs[i].package, package) == 0)
            return true;
    return false;
}

/* The innermost frame of a package says who, unless the knock-out says that this package is not needed. */
static void blame_by_knock_out(const struct report *report, const struct verification *found,
                               struct finding *finding)
{
    const struct knock_out *guilty = verification_guilty(found);
    bool is_open = !finding->function || finding->blame != BLAME_TARGET;
    if (guilty && guilty->package && (is_open || is_innocent(found, finding->package))) {
        finding->blame = BLAME_TARGET;
        set_text(&finding->function, guilty->call);
        set_text(&finding->package, guilty->package);
    } else if (found->plain.hit > 0 || (is_open && (found->all_plain || (guilty && guilty->plain)))) {
        blame_interpreter(report, finding);
    }
}

/* What was seen often, and never without the statement of another finding, is that one's doing. */
static bool is_explained(const struct finding *finding)
{
    const struct verification *found = finding->verification;
    const struct verification run = {.again = {finding->hit, finding->of}};
    return found->without && found->again.hit == 0 && finding->of > 0 &&
           verification_is_telling(&run, &found->again);
}

static const struct finding *first_root(const struct report *report)
{
    const struct verification *first = report->verification;
    for (size_t i = 0; first->root && i < report->findings.n; i++)
        if (strcmp(report->findings.items[i]->id, first->root) == 0)
            return report->findings.items[i];
    return NULL;
}

static void explain(const struct report *report, struct finding *finding)
{
    const struct finding *cause = first_root(report);
    if (!cause || cause == finding || finding->cause || report->verification->again.hit == 0)
        return;
    set_text(&finding->cause, cause->id);
    finding->blame = cause->blame;
    set_text(&finding->function, cause->function);
    set_text(&finding->package, cause->package);
}

/* The user's label holds only where the rung that it is for is needed. */
static void take_label_back(struct finding *finding)
{
    finding->severity = finding->kind == FINDING_HANG        ? "hang"
                        : finding->kind == FINDING_EXCEPTION ? "exception"
                        : finding->kind == FINDING_WRONG_RESULT || finding->kind == FINDING_INPUT_MUTATED
                            ? "wrong-result"
                            : "crash";
    finding->blame = finding->package && strncmp(finding->package, "CPython ", 8) == 0 ? BLAME_INTERPRETER
                     : finding->package                                                ? BLAME_TARGET
                                                                                       : BLAME_UNKNOWN;
}

bool verify_apply(struct report *report)
{
    bool taken_back = false;
    for (size_t i = 0; i < report->findings.n; i++) {
        struct finding *finding = report->findings.items[i];
        const struct verification *found = finding->verification;
        if (found && !finding->serial && is_explained(finding))
            explain(report, finding);
        if (!found || found->again.hit == 0 || finding->serial)
            continue;
        enum rung rung = verification_rung(found);
        if (rung < found->share)
            finding->rung = rung;
        if (finding->blame == BLAME_USER && rung <= RUNG_READONLY) {
            take_label_back(finding);
            taken_back = true;
        }
        if (finding->blame != BLAME_USER && !finding->cause)
            blame_by_knock_out(report, found, finding);
    }
    return taken_back;
}
