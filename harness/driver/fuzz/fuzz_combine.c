/* Several calls of a round with one another. A plan that fails in a short search is reduced to two of its calls, if
 * these fail, too. Then fresh children show whether it fails again, and trials which package is to blame. */
#include "driver/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "driver/fuzz/fuzz_draw.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_trial.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
#define SEEN (BIT(CRASH) | BIT(HANG) | BIT(LOG) | BIT(EXCEPTION) | BIT(DIVERGE))
/* Calls of a plan, and plans of a round. */
#define CALLS_MOST 4u
#define PLANS 3
/* Further plans for each call that failed among others. */
#define SUSPECT_PLANS 4
/* Times of a search, and of what follows a failure. */
#define SEARCH_TIME (1 * CLOCK_SECOND)
#define AGAIN_TIME (4 * CLOCK_SECOND)
#define VERIFY_TIME (8 * CLOCK_SECOND)

static const struct member members[] = {
    {.name = "guard",
     .detect = SEEN | BIT(GUARD),
     .unique = SEEN | BIT(GUARD),
     .rides = PERTURB_ALLOC | PERTURB_LOCKS},
    {.name = "watch", .detect = SEEN | BIT(WATCH), .unique = BIT(WATCH), .perturb = PERTURB_STALL},
};
static const struct member_set searching = {
    .members = members, .n = sizeof members / sizeof *members, .fallback = &members[0]};

/* Some calls, and how threads make them. */
struct mix {
    const struct unit_call *calls[CALLS_MOST];
    unsigned n;
    bool is_sequence; /* every thread makes all of them */
    uint32_t perturb;
    enum rung share;
};

static const struct unit_call *draw_returned(struct fuzz *fuzz, const struct unit *unit)
{
    for (unsigned tries = 0; unit->n > 0 && tries < 64; tries++) {
        const struct unit_call *call = &unit->calls[draw(&fuzz->prng, unit->n)];
        if (call->state == CALL_RETURNED && !fuzz_is_spent(fuzz, fuzz_name(unit, call->owner)))
            return call;
    }
    return NULL;
}

static bool has_owner(const struct mix *mix, size_t owner)
{
    for (unsigned i = 0; i < mix->n; i++)
        if (mix->calls[i]->owner == owner)
            return true;
    return false;
}

/* Begins with the call, unless it is NULL. Returns false where less than two callables are left. */
static bool draw_mix(struct fuzz *fuzz, const struct unit *unit, const struct unit_call *suspect,
                     struct mix *mix)
{
    static const uint32_t perturbs[] = {0, 0, PERTURB_DELAY, PERTURB_LOCKSTEP, PERTURB_SKEW};
    size_t most = 2 + draw(&fuzz->prng, CALLS_MOST - 1);
    *mix = (struct mix){.is_sequence = draw(&fuzz->prng, 4) == 0,
                        .perturb = perturbs[draw(&fuzz->prng, sizeof perturbs / sizeof *perturbs)],
                        .share = draw(&fuzz->prng, 8) == 0 ? RUNG_PRIVATE : RUNG_READONLY};
    if (suspect)
        mix->calls[mix->n++] = suspect;
    for (unsigned tries = 0; tries < 32 && mix->n < most; tries++) {
        const struct unit_call *call = draw_returned(fuzz, unit);
        if (call && !has_owner(mix, call->owner))
            mix->calls[mix->n++] = call;
    }
    return mix->n > 1;
}

static int make_plan(struct fuzz *fuzz, const struct unit *unit, const struct mix *mix, struct plan *plan)
{
    int error = 0;
    trial_begin(fuzz->sweep, "fuzz", plan);
    plan->threads = trial_threads(fuzz->sweep);
    if (plan->threads < 2 * mix->n && !REQUEST_GAVE(fuzz->sweep->request, plan.threads))
        plan->threads = 2 * mix->n;
    plan->share = mix->share;
    plan->perturb = mix->perturb;
    for (unsigned i = 0; i < mix->n && !error; i++)
        error = trial_add_call(fuzz->sweep, unit, mix->calls[i], plan);
    if (!mix->is_sequence) {
        plan->roles = plan->steps;
        plan->nroles = plan->nsteps;
        plan->steps = NULL;
        plan->nsteps = 0;
    }
    return error;
}

static int run_mix(struct fuzz *fuzz, struct unit *unit, const struct mix *mix, bool is_search,
                   json_t **ret_report)
{
    struct trial trial = {.members = is_search ? &searching : NULL,
                          .verify = is_search ? 0 : VERIFY_TIME,
                          .is_search = is_search};
    int error = make_plan(fuzz, unit, mix, &trial.plan);
    trial.plan.time = is_search ? SEARCH_TIME : AGAIN_TIME;
    *ret_report = NULL;
    if (!error)
        error = trial_run(fuzz->sweep, unit, &trial, ret_report);
    plan_clear(&trial.plan);
    return error;
}

static int keep_mix(struct fuzz *fuzz, const struct unit *unit, const struct mix *mix, const char *signals)
{
    struct plan plan;
    int error = make_plan(fuzz, unit, mix, &plan);
    error = error ? error : fuzz_keep(fuzz, &plan, signals);
    plan_clear(&plan);
    return error;
}

/* Adds the signal, if it is new, for each callable. */
static void add_signals(struct fuzz *fuzz, const struct unit *unit, const struct mix *mix, const char *kind,
                        char **signals)
{
    for (unsigned i = 0; i < mix->n; i++) {
        const char *name = fuzz_name(unit, mix->calls[i]->owner);
        if (!corpus_is_new(&fuzz->corpus, name, kind))
            continue;
        text_join(signals, CORPUS_SEPARATOR, name);
        text_join(signals, " ", kind);
    }
}

static bool has_finding(const json_t *report)
{
    return json_array_size(json_object_get(report, "findings")) > 0;
}

/* Leaves two of the calls that fail in a search of their own, if there are such. */
static int reduce(struct fuzz *fuzz, struct unit *unit, struct mix *mix)
{
    for (unsigned i = 0; mix->n > 2 && i < mix->n; i++)
        for (unsigned k = i + 1; k < mix->n && !sweep_is_over(fuzz->sweep); k++) {
            struct mix pair = *mix;
            json_auto_t *report = NULL;
            pair.calls[0] = mix->calls[i];
            pair.calls[1] = mix->calls[k];
            pair.n = 2;
            int error = run_mix(fuzz, unit, &pair, true, &report);
            if (error || has_finding(report)) {
                *mix = pair;
                return error;
            }
        }
    return 0;
}

static char *describe(const struct unit *unit, const struct mix *mix)
{
    char text[1024] = "";
    for (unsigned i = 0; i < mix->n; i++) {
        cleanup_free char *call = unit_call_text(unit, mix->calls[i]);
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s%s", i ? "; " : "", call ? call : "");
    }
    return strdup(text);
}

/* Does the plan fail in trials without the callable? */
static bool is_innocent(const json_t *report, const char *name)
{
    size_t i, k;
    const json_t *one, *knock_out;
    json_array_foreach (json_object_get(report, "verifications"), i, one)
        json_array_foreach (json_object_get(one, "knock_outs"), k, knock_out)
            if (strcmp(document_text(knock_out, "without"), name) == 0 &&
                document_number(json_object_get(knock_out, "trials"), "hit") > 0)
                return true;
    return false;
}

/* Leaves the calls that the plan needs to fail, as far as trials show it. */
static void leave_guilty(const struct unit *unit, const json_t *report, struct mix *mix)
{
    unsigned n = 0;
    for (unsigned i = 0; i < mix->n; i++)
        if (!is_innocent(report, fuzz_name(unit, mix->calls[i]->owner)))
            mix->calls[n++] = mix->calls[i];
    mix->n = n > 0 ? n : mix->n;
}

/* Adds to the findings which callables the plan calls: one of them alone may not fail. */
static void mark_together(const struct unit *unit, const struct mix *mix, const json_t *found)
{
    size_t i, k;
    json_t *finding, *one;
    json_array_foreach (unit->findings, i, finding)
        json_array_foreach (found, k, one) {
            if (strcmp(document_text(finding, "id"), document_text(one, "id")) != 0)
                continue;
            json_t *names = json_array();
            for (unsigned n = 0; n < mix->n; n++)
                json_array_append_new(names, json_string(fuzz_name(unit, mix->calls[n]->owner)));
            if (mix->n > 1)
                json_object_set_new(finding, "together", json_incref(names));
            json_decref(names);
        }
}

static int keep_failure(struct fuzz *fuzz, const struct unit *unit, const struct mix *mix,
                        const json_t *report)
{
    cleanup_free char *signals = NULL;
    size_t i;
    const json_t *finding;
    json_array_foreach (json_object_get(report, "findings"), i, finding) {
        char kind[64];
        snprintf(kind, sizeof kind, FUZZ_FAILS " %s", document_text(finding, "id"));
        add_signals(fuzz, unit, mix, kind, &signals);
    }
    return signals ? keep_mix(fuzz, unit, mix, signals) : 0;
}

/* Runs a plan that failed again, with all kinds of children and trials. Callables of a finding get no further turn. */
static int settle(struct fuzz *fuzz, struct unit *unit, struct mix *mix)
{
    json_auto_t *report = NULL;
    int error = reduce(fuzz, unit, mix);
    error = error ? error : run_mix(fuzz, unit, mix, false, &report);
    if (error)
        return error;
    leave_guilty(unit, report, mix);
    for (unsigned i = 0; has_finding(report) && i < mix->n; i++)
        trial_add_ids(json_array_get(unit->rows, mix->calls[i]->owner), json_object_get(report, "findings"));
    mark_together(unit, mix, json_object_get(report, "findings"));
    if (!has_finding(report) && !sweep_is_over(fuzz->sweep)) {
        cleanup_free char *text = describe(unit, mix);
        json_array_append_new(
            unit->notes, json_sprintf("%s failed together once, and not again in fresh children; no finding",
                                      text ? text : ""));
    }
    return has_finding(report) ? keep_failure(fuzz, unit, mix, report) : 0;
}

/* Keeps the plan if threads touch more words together than with these callables before. */
static int keep_new_words(struct fuzz *fuzz, const struct unit *unit, const struct mix *mix,
                          const json_t *report)
{
    cleanup_free char *signals = NULL;
    long long words = document_number(json_object_get(report, "traced"), "words");
    char kind[32];
    int size = 0;
    for (; words > 0; words /= 2)
        size++;
    snprintf(kind, sizeof kind, "words %d", size);
    if (size > 0)
        add_signals(fuzz, unit, mix, kind, &signals);
    return signals ? keep_mix(fuzz, unit, mix, signals) : 0;
}

/* Runs one plan. *ret_found: it failed. */
static int try_mix(struct fuzz *fuzz, struct unit *unit, struct mix *mix, bool *ret_found)
{
    json_auto_t *report = NULL;
    int error = run_mix(fuzz, unit, mix, true, &report);
    *ret_found = !error && has_finding(report);
    if (error)
        return error;
    return *ret_found ? settle(fuzz, unit, mix) : keep_new_words(fuzz, unit, mix, report);
}

/* Draws and runs one plan. Returns 1 where there are no calls for one, 0, or -errno. */
static int combine_once(struct fuzz *fuzz, struct unit *unit, const struct unit_call *suspect,
                        bool *ret_found)
{
    struct mix mix;
    *ret_found = false;
    return draw_mix(fuzz, unit, suspect, &mix) ? try_mix(fuzz, unit, &mix, ret_found) : 1;
}

int fuzz_combine_plan(struct fuzz *fuzz, struct unit *unit, const struct plan *plan)
{
    struct mix mix = {.is_sequence = plan->nsteps > 0, .perturb = plan->perturb, .share = plan->share};
    bool found = false;
    int error = 0;
    for (size_t i = 0; i < unit->n && mix.n < CALLS_MOST; i++)
        if (unit->calls[i].state == CALL_RETURNED)
            mix.calls[mix.n++] = &unit->calls[i];
    for (int i = 0; i < PLANS && mix.n > 1 && !found && !error && !sweep_is_over(fuzz->sweep); i++)
        error = try_mix(fuzz, unit, &mix, &found);
    return error;
}

/* Looks for the calls that a call which failed among others needs. */
static int try_suspects(struct fuzz *fuzz, struct unit *unit)
{
    size_t i;
    const json_t *suspect;
    int ended = 0;
    json_array_foreach (unit->suspects, i, suspect) {
        const struct unit_call *call = &unit->calls[json_integer_value(json_array_get(suspect, 0))];
        bool found = fuzz_is_spent(fuzz, fuzz_name(unit, call->owner));
        for (int k = 0; k < SUSPECT_PLANS && !found && !ended && !sweep_is_over(fuzz->sweep); k++)
            ended = combine_once(fuzz, unit, call, &found);
        if (!found)
            json_array_append_new(
                unit->notes,
                json_sprintf(
                    "%s failed under threads among other calls, and not in fewer of them: %s; no finding",
                    call->text, json_string_value(json_array_get(suspect, 1))));
    }
    return ended < 0 ? ended : 0;
}

int fuzz_combine(struct fuzz *fuzz, struct unit *unit)
{
    int ended = try_suspects(fuzz, unit);
    bool found;
    for (int i = 0; i < PLANS && !ended && !sweep_is_over(fuzz->sweep); i++)
        ended = combine_once(fuzz, unit, NULL, &found);
    return ended < 0 ? ended : 0;
}
