/* Several calls of a round with one another. A plan that fails in a short search is reduced to a few of its calls that
 * fail, too. Then fresh children show whether it fails again, and trials which package is to blame. */
#include "driver/fuzz/fuzz_mix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "driver/fuzz/fuzz_need.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_trial.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
#define SEEN (BIT(CRASH) | BIT(HANG) | BIT(LOG) | BIT(EXCEPTION) | BIT(DIVERGE))
/* Plans of a round, and tries of a plan of the corpus. */
#define PLANS 6
#define PLAN_TRIES 3
/* Searches of each rest of a plan that failed: on a busy machine one may show nothing. */
#define REST_TRIES 3
/* Further plans for each call that failed among others. */
#define SUSPECT_PLANS 4
/* Times of a search, and of what follows a failure. Its trials show which calls it needs: they have the time of this
 * number of children at least, which a busy machine takes longer for. */
#define TRIALS_LEAST 20
#define SEARCH_TIME (1 * CLOCK_SECOND)
#define AGAIN_TIME (4 * CLOCK_SECOND)
#define VERIFY_TIME (40 * CLOCK_SECOND)

static const struct member members[] = {
    {.name = "guard",
     .detect = SEEN | BIT(GUARD),
     .unique = SEEN | BIT(GUARD),
     .rides = PERTURB_ALLOC | PERTURB_LOCKS},
    {.name = "watch", .detect = SEEN | BIT(WATCH), .unique = BIT(WATCH), .perturb = PERTURB_STALL},
};
static const struct member_set searching = {
    .members = members, .n = sizeof members / sizeof *members, .fallback = &members[0]};

/* How a mix runs. */
enum effort {
    SEARCH,    /* what it shows is tried again before it counts */
    AGAIN,     /* longer, in the same kinds of children; then trials */
    ALL_KINDS, /* the same, in all kinds of children */
};

static uint64_t time_for_trials(const struct fuzz *fuzz)
{
    uint64_t least = TRIALS_LEAST * fuzz->child_time;
    return least > VERIFY_TIME ? least : VERIFY_TIME;
}

static int run_mix(struct fuzz *fuzz, struct unit *unit, const struct mix *mix, enum effort effort,
                   json_t **ret_report)
{
    uint64_t began = clock_now();
    unsigned children = unit->children;
    struct trial trial = {.members = effort == ALL_KINDS ? NULL : &searching,
                          .verify = effort == SEARCH ? 0 : time_for_trials(fuzz),
                          .is_search = effort == SEARCH};
    int error = mix_plan(fuzz, unit, mix, &trial.plan);
    trial.plan.time = effort == SEARCH ? SEARCH_TIME : AGAIN_TIME;
    *ret_report = NULL;
    if (!error)
        error = trial_run(fuzz->sweep, unit, &trial, ret_report);
    plan_clear(&trial.plan);
    if (effort == SEARCH && unit->children > children)
        fuzz->child_time = (clock_now() - began) / (unit->children - children);
    return error;
}

static int keep_mix(struct fuzz *fuzz, const struct unit *unit, const struct mix *mix, const char *signals)
{
    struct plan plan;
    int error = mix_plan(fuzz, unit, mix, &plan);
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

/* The calls of the mix without one of three parts. */
static struct mix leave_part_out(const struct mix *mix, unsigned part)
{
    struct mix smaller = *mix;
    smaller.n = 0;
    for (unsigned i = 0; i < mix->n; i++)
        if (i * 3 / mix->n != part)
            smaller.calls[smaller.n++] = mix->calls[i];
    return smaller;
}

/* A small plan is easy to understand: searches for it are made after the time of the fuzzer, too, but not after the
 * part of the time that a plan of the corpus has. */
static bool may_search(const struct fuzz *fuzz)
{
    uint64_t end = fuzz->sweep->trials_end;
    return !atomic_load(&fuzz->sweep->board->interrupted) && (!end || clock_now() < end);
}

/* Does the mix fail in a search? */
static bool does_fail(struct fuzz *fuzz, struct unit *unit, const struct mix *mix, int *error)
{
    json_auto_t *report = NULL;
    if (!*error && may_search(fuzz))
        *error = run_mix(fuzz, unit, mix, SEARCH, &report);
    return !*error && has_finding(report);
}

/* Leaves out a part without which the others fail in a search of their own. *ret_smaller: there is one. */
static int reduce_once(struct fuzz *fuzz, struct unit *unit, struct mix *mix, bool *ret_smaller)
{
    int error = 0;
    *ret_smaller = false;
    for (unsigned i = 0; i < 3 * REST_TRIES && !error && !*ret_smaller; i++) {
        struct mix smaller = leave_part_out(mix, i % 3);
        *ret_smaller = does_fail(fuzz, unit, &smaller, &error);
        if (*ret_smaller)
            *mix = smaller;
    }
    return error;
}

/* Any two calls are together in one of the three rests: two are left, if these fail. */
static int reduce(struct fuzz *fuzz, struct unit *unit, struct mix *mix)
{
    bool is_smaller = true;
    int error = 0;
    while (mix->n > 2 && is_smaller && !error)
        error = reduce_once(fuzz, unit, mix, &is_smaller);
    return error;
}

/* The calls of the mix without the first `most` of those that trials show to be of no need. */
static struct mix leave_needless_out(const struct unit *unit, const json_t *report, const struct mix *mix,
                                     unsigned most)
{
    struct mix smaller = *mix;
    smaller.n = 0;
    for (unsigned i = 0; i < mix->n; i++) {
        cleanup_free char *statement = mix_statement(unit, mix, i);
        bool is_out = most > 0 && statement && need_is_none(report, statement);
        if (is_out)
            most--;
        else
            smaller.calls[smaller.n++] = mix->calls[i];
    }
    return smaller;
}

/* Leaves the calls that the findings need, as far as trials show it. A trial leaves out one call: a plan without
 * several is tested first, because it may need one of two calls, whichever it is. Half of them are tested next. */
static int leave_guilty(struct fuzz *fuzz, struct unit *unit, const json_t *report, struct mix *mix)
{
    int error = 0;
    struct mix smaller = leave_needless_out(unit, report, mix, mix->n);
    if (smaller.n == 0)
        return 0;
    for (unsigned n = mix->n - smaller.n; n > 0 && smaller.n < mix->n && !error; n /= 2) {
        smaller = leave_needless_out(unit, report, mix, n);
        bool is_shown = n == 1;
        for (unsigned i = 0; i < REST_TRIES && !is_shown; i++)
            is_shown = does_fail(fuzz, unit, &smaller, &error);
        if (is_shown)
            *mix = smaller;
    }
    return error;
}

/* Adds the id of the finding to the row of each callable that trials show to be needed, or that is left alone in the
 * plan. Returns false where there is none. */
static bool mark_rows(const struct unit *unit, const struct mix *whole, const struct mix *mix,
                      const json_t *report, const json_t *finding)
{
    json_auto_t *one = json_pack("[O]", finding);
    bool is_marked = false;
    for (unsigned i = 0; i < whole->n; i++) {
        const struct unit_call *call = whole->calls[i];
        cleanup_free char *statement = mix_statement(unit, whole, i);
        bool is_alone = mix->n == 1 && mix->calls[0] == call;
        if (!is_alone && (!statement || need_of(report, finding, statement) != NEED_CALL))
            continue;
        trial_add_ids(json_array_get(unit->rows, call->owner), one);
        is_marked = true;
    }
    return is_marked;
}

/* Names the callables of each finding. Those of a plan of which trials do not show it get no further turn, none of
 * them: it would fail again and again. */
static void mark_findings(struct fuzz *fuzz, const struct unit *unit, const struct mix *whole,
                          const struct mix *mix, const json_t *report)
{
    size_t i;
    const json_t *finding;
    json_array_foreach (json_object_get(report, "findings"), i, finding)
        if (!mark_rows(unit, whole, mix, report, finding))
            for (unsigned k = 0; k < mix->n; k++)
                json_object_set_new(fuzz->spent, fuzz_name(unit, mix->calls[k]->owner), json_true());
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

static void note_not_again(const struct unit *unit, const struct mix *mix)
{
    cleanup_free char *text = mix_describe(unit, mix);
    json_array_append_new(unit->notes,
                          json_sprintf("%s failed together once, and not again in fresh children; no finding",
                                       text ? text : ""));
}

/* Runs a plan that failed again, first in the kinds of children that saw it. */
static int run_again(struct fuzz *fuzz, struct unit *unit, const struct mix *mix, json_t **ret_report)
{
    int error = run_mix(fuzz, unit, mix, AGAIN, ret_report);
    if (error || has_finding(*ret_report))
        return error;
    json_decref(*ret_report);
    return run_mix(fuzz, unit, mix, ALL_KINDS, ret_report);
}

/* Runs a plan that failed again, with trials. Callables of a finding get no further turn. */
static int settle(struct fuzz *fuzz, struct unit *unit, struct mix *mix)
{
    json_auto_t *report = NULL;
    int error = reduce(fuzz, unit, mix);
    error = error ? error : run_again(fuzz, unit, mix, &report);
    if (error)
        return error;
    if (!has_finding(report)) {
        if (!sweep_is_over(fuzz->sweep))
            note_not_again(unit, mix);
        return 0;
    }
    const struct mix whole = *mix;
    error = leave_guilty(fuzz, unit, report, mix);
    mark_findings(fuzz, unit, &whole, mix, report);
    mark_together(unit, mix, json_object_get(report, "findings"));
    return error ? error : keep_failure(fuzz, unit, mix, report);
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
    int error = run_mix(fuzz, unit, mix, SEARCH, &report);
    mix_count(fuzz, unit, mix);
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
    return mix_draw(fuzz, unit, suspect, &mix) ? try_mix(fuzz, unit, &mix, ret_found) : 1;
}

int fuzz_combine_plan(struct fuzz *fuzz, struct unit *unit, const struct plan *plan)
{
    struct mix mix = {.is_sequence = plan->nsteps > 0, .perturb = plan->perturb, .share = plan->share};
    bool found = false;
    int error = 0;
    for (size_t i = 0; i < unit->n && mix.n < MIX_MOST; i++)
        if (unit->calls[i].state == CALL_RETURNED)
            mix.calls[mix.n++] = &unit->calls[i];
    for (int i = 0; i < PLAN_TRIES && mix.n > 1 && !found && !error; i++)
        if ((i == 0 && !atomic_load(&fuzz->sweep->board->interrupted)) || !sweep_is_over(fuzz->sweep))
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
