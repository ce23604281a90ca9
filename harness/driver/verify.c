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

#define CHILD_TIME (1500 * UINT64_C(1000000))
/* Trials of the plan as it was: until it has failed so often, or so many are made. */
#define HITS 3
#define TRIALS_MAX 9

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
/* They change neither layout nor timing much: what they see, users see. */
#define LIGHT (BIT(CRASH) | BIT(HANG) | BIT(LOG) | BIT(EXCEPTION) | BIT(INVARIANT) | BIT(DIVERGE))

struct verify {
    const struct plan *plan;
    struct job_settings settings;
    uint64_t deadline;
    uint32_t detect;
    bool over; /* the deadline, the user, or a child that could not be started */
};

static uint32_t bit_of(const struct finding *finding)
{
    for (int id = 0; id < DETECTOR_COUNT; id++)
        if (strcmp(detector_rows[id].name, finding->detector) == 0)
            return DETECTOR_BIT(id);
    return 0;
}

/* What is counted over many calls in every child needs no further trials. */
static bool is_symptom(const struct finding *finding)
{
    return !finding->serial && finding->blame != BLAME_USER && !(bit_of(finding) & DETECTOR_COUNTERS);
}

/* Which detectors saw what only several threads show: light ones, or else the others. */
static uint32_t symptoms_of(const struct report *report)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < report->findings.n; i++)
        if (is_symptom(report->findings.items[i]))
            bits |= bit_of(report->findings.items[i]);
    return bits & LIGHT ? bits & LIGHT : bits;
}

/* Returns 1: fails; 0: does not; -1: says nothing. */
static int try_once(struct verify *verify, const struct plan *plan)
{
    struct report scratch = {.threads = plan->threads, .share = plan->share};
    struct outcome outcome;
    if (verify->over || clock_now() >= verify->deadline || job_run(plan, &verify->settings, &outcome) < 0) {
        verify->over = true;
        return -1;
    }
    judge_outcome(&scratch, plan, &outcome, 1);
    int fails = outcome.cannot ? -1 : 0;
    for (size_t i = 0; i < scratch.findings.n; i++)
        if (scratch.findings.items[i]->blame != BLAME_USER)
            fails = 1;
    verify->over |= outcome.interrupted;
    outcome_clear(&outcome);
    report_clear(&scratch);
    return fails;
}

/* Until so many hits, or n trials. */
static void try_arm(struct verify *verify, const struct plan *plan, unsigned hits, unsigned n,
                    struct trials *trials)
{
    while (trials->of < n && trials->hit < hits) {
        int fails = try_once(verify, plan);
        if (fails < 0)
            return;
        trials->of++;
        trials->hit += (unsigned)fails;
    }
}

/* The plan of a child of the arm; a shallow copy. */
static struct plan arm_of(const struct verify *verify)
{
    struct plan arm = *verify->plan;
    arm.detect = verify->detect;
    if (!arm.iterations && (arm.time == 0 || arm.time > CHILD_TIME))
        arm.time = CHILD_TIME;
    return arm;
}

/* What the steps give once, made before the threads start, stands for those that are knocked out. */
static char *freeze(const struct plan *plan, const bool *out)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return NULL;
    fprintf(file, "%s\n", plan->setup ? plan->setup : "");
    for (unsigned i = 0; i < plan->nsteps; i++) {
        if (!out[i])
            continue;
        fputs("try:\n", file);
        for (const char *line = plan->steps[i]; *line;) {
            size_t length = strcspn(line, "\n");
            fprintf(file, "    %.*s\n", (int)length, line);
            line += length + (line[length] == '\n');
        }
        fputs("except NameError:\n    pass\n", file);
    }
    return fclose(file) == 0 ? text : NULL;
}

static void knock_out(struct verify *verify, const bool *out, unsigned n, struct trials *trials)
{
    struct plan arm = arm_of(verify);
    char *steps[PLAN_STEPS_MAX];
    arm.nsteps = 0;
    for (unsigned i = 0; i < verify->plan->nsteps; i++)
        if (!out[i])
            steps[arm.nsteps++] = verify->plan->steps[i];
    arm.steps = steps;
    arm.setup = freeze(verify->plan, out);
    if (arm.setup && arm.nsteps > 0)
        try_arm(verify, &arm, 1, n, trials);
    free(arm.setup);
}

/* One arm for each function that the steps call, when there are several. */
static void knock_out_calls(struct verify *verify, struct verification *found, unsigned n)
{
    const struct plan *plan = verify->plan;
    char *calls[PLAN_STEPS_MAX] = {NULL};
    for (unsigned i = 0; i < plan->nsteps; i++)
        calls[i] = callable_of(plan->steps[i], plan->setup);
    for (unsigned i = 0; i < plan->nsteps && found->nknock_outs < VERIFICATION_CALLS; i++) {
        bool out[PLAN_STEPS_MAX] = {false}, first = calls[i] != NULL;
        for (unsigned k = 0; k < plan->nsteps && calls[i]; k++) {
            out[k] = calls[k] && strcmp(calls[k], calls[i]) == 0;
            first = first && !(k < i && out[k]);
        }
        if (!first)
            continue;
        struct knock_out *arm = &found->knock_outs[found->nknock_outs++];
        arm->call = strdup(calls[i]);
        knock_out(verify, out, n, &arm->trials);
    }
    for (unsigned i = 0; i < plan->nsteps; i++)
        free(calls[i]);
}

/* How many trials without a hit say something: at least three, so that one lucky child decides nothing. */
static unsigned trials_needed(const struct verification *found)
{
    unsigned n = HITS;
    while (n < TRIALS_MAX && !verification_is_telling(found, &(struct trials){0, n}))
        n++;
    return n;
}

static void run_arms(struct verify *verify, struct verification *found)
{
    struct plan arm = arm_of(verify);
    try_arm(verify, &arm, HITS, TRIALS_MAX, &found->again);
    if (found->again.hit == 0)
        return;
    unsigned n = trials_needed(found);
    if (verify->plan->nsteps > 1)
        knock_out_calls(verify, found, n);
    verify->settings.gil = true;
    try_arm(verify, &arm, 1, n, &found->gil);
    verify->settings.gil = false;
    if (arm.share != RUNG_PRIVATE) {
        arm.share = RUNG_PRIVATE;
        try_arm(verify, &arm, 1, n, &found->apart);
        arm.share = verify->plan->share;
    }
    arm.threads = 1;
    try_arm(verify, &arm, 1, 1, &found->alone);
}

int verify_run(const struct report *report, const struct plan *plan, const struct job_settings *settings,
               uint64_t deadline, struct verification **ret_verification)
{
    struct verify verify = {
        .plan = plan, .settings = *settings, .deadline = deadline, .detect = symptoms_of(report)};
    *ret_verification = NULL;
    if (plan->threads == 1 || !verify.detect)
        return 0;
    struct verification *found = calloc(1, sizeof *found);
    if (!found)
        return -ENOMEM;
    run_arms(&verify, found);
    *ret_verification = found;
    return 0;
}

void verify_apply(const struct verification *verification, struct report *report)
{
    for (size_t i = 0; verification && i < report->findings.n; i++)
        if (is_symptom(report->findings.items[i]) && verification->apart.hit > 0)
            report->findings.items[i]->rung = RUNG_PRIVATE;
}
