/* Runs the trials of one bug: its plan in fresh children, unchanged and in variants that change one thing each. */
#include "driver/session/verify_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"

/* Time for the threads of a child, and the most that is added for its start. */
#define CHILD_TIME (1200 * UINT64_C(1000000))
#define START_MAX (8 * CLOCK_SECOND)
#define START_FACTOR 1.2
/* Where the first trials of the unchanged plan show nothing. */
#define RARE_TIME (4 * CHILD_TIME)
/* A bug that fails each time and early needs only this multiple of its time in the other variants. */
#define PATIENCE 8
#define CHILD_TIME_LEAST (400 * UINT64_C(1000000))
/* Hits that end the trials of the unchanged plan, and trials at most. */
#define HITS 3
#define TRIALS_MAX 9

/* Returns 1: fails; 0: does not; -1: no trial was made. */
static int try_once(struct verify *verify, const struct plan *plan, struct outcome *outcome)
{
    *outcome = (struct outcome){0};
    if (verify->over || clock_now() >= verify->deadline)
        return -1;
    if (job_run(plan, &verify->settings, outcome) < 0) {
        verify->over = true;
        return -1;
    }
    verify->over |= outcome->interrupted;
    /* Only the child's own report, made after the imports, proves a control run. */
    if (verify->settings.gil && outcome->facts.gil != GIL_ON)
        return -1;
    if (judge_shows_failure(plan, outcome, &verify->filter))
        return 1;
    return outcome->cannot ? -1 : 0;
}

/* Runs up to n trials, and stops at the given number of hits. */
static void run_trials(struct verify *verify, const struct plan *plan, unsigned hits, unsigned n,
                       struct trials *trials)
{
    struct verification *found = verify->found;
    while (trials->of < n && trials->hit < hits) {
        struct outcome outcome;
        int fails = try_once(verify, plan, &outcome);
        if (fails > 0 && trials == &found->again && found->nfirst < VERIFICATION_HITS &&
            outcome.seconds_to_hit > 0 && verify->filter.nexcept == 0) {
            found->first[found->nfirst].calls = outcome.calls_to_hit;
            found->first[found->nfirst++].seconds = outcome.seconds_to_hit;
        }
        found->mutates |= outcome.facts.changes != CHANGES_NONE;
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

/* Returns the plan for a child of a variant, without its change; a shallow copy. */
static struct plan variant_of(const struct verify *verify)
{
    struct plan variant = *verify->plan;
    variant.detect = verify->detect;
    variant.stop_on_first = verify->filter.nexcept == 0;
    uint64_t start = (uint64_t)(START_FACTOR * verify->run->start * (double)CLOCK_SECOND);
    uint64_t time = work_of(verify->found) + (start < START_MAX ? start : START_MAX);
    if (!variant.iterations && (variant.time == 0 || variant.time > time))
        variant.time = time;
    return variant;
}

/* Returns the number of trials without a hit that is significant; at least three, so that one lucky child decides
 * nothing. */
static unsigned trials_needed(const struct verification *found)
{
    unsigned n = HITS;
    while (n < TRIALS_MAX && !verification_is_telling(found, &(struct trials){0, n}))
        n++;
    return n;
}

/* Returns what a statement calls, or else its own text. The caller's. */
static char *call_of(const struct verify *verify, const struct statement *statement)
{
    const struct statement_list *list = &verify->run->statements;
    char *call = statement_callable(list, statement->source, verify->plan->setup);
    return call ? call : strdup(statement->source);
}

static bool makes_call(const struct verify *verify, const struct statement *statement, const char *call)
{
    cleanup_free char *name = call_of(verify, statement);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
    return name && strcmp(name, call) == 0;
}

/* Leaves out the statements that make the call, or with NULL those that are not plain. Their first result stands for
 * them. */
static void try_without(struct verify *verify, const char *call, unsigned n, struct trials *trials)
{
    struct plan variant = variant_of(verify);
    const struct statement_list *list = &verify->run->statements;
    cleanup_free char **out = calloc(variant.nleave_out + list->n + 1, sizeof *out);
    if (!out)
        return;
    for (unsigned i = 0; i < variant.nleave_out; i++)
        out[i] = variant.leave_out[i];
    variant.leave_out = out;
    for (size_t i = 0; i < list->n; i++)
        if (call ? makes_call(verify, &list->items[i], call) : !list->items[i].plain)
            out[variant.nleave_out++] = list->items[i].source;
    run_trials(verify, &variant, 1, n, trials);
}

static bool is_known(const struct verification *found, const char *call)
{
    for (unsigned i = 0; i < found->nknock_outs; i++)
        if (strcmp(found->knock_outs[i].call, call) == 0)
            return true;
    return false;
}

/* Runs a variant without each function that the statements of all roles call. */
static void knock_out_calls(struct verify *verify, unsigned n)
{
    struct verification *found = verify->found;
    const struct statement_list *list = &verify->run->statements;
    for (size_t i = 0; i < list->n && found->nknock_outs < VERIFICATION_CALLS; i++) {
        if (statement_is_left_out(verify->plan, list->items[i].source))
            continue;
        char *name = call_of(verify, &list->items[i]);
        if (!name || is_known(found, name)) {
            free(name);
            continue;
        }
        struct knock_out *variant = &found->knock_outs[found->nknock_outs++];
        variant->call = name;
        variant->plain = list->items[i].plain;
        variant->package = list->items[i].package ? strdup(list->items[i].package) : NULL;
        for (size_t k = 0; k < list->n; k++)
            if (makes_call(verify, &list->items[k], name))
                text_join(&variant->sources, "; ", list->items[k].source);
        try_without(verify, name, n, &variant->trials);
    }
}

/* Lists the names of shared objects, each once. Returns their number. */
static unsigned list_shared(const struct verify *verify, char names[][64], unsigned most)
{
    const struct statement_list *list = &verify->run->statements;
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

/* Makes each of several shared objects private in turn. */
static void part_names(struct verify *verify, unsigned n)
{
    struct verification *found = verify->found;
    char names[VERIFICATION_CALLS][64];
    unsigned shared = list_shared(verify, names, VERIFICATION_CALLS);
    for (unsigned i = 0; shared > 1 && i < shared; i++) {
        struct plan variant = variant_of(verify);
        char *private;
        if (asprintf(&private, "%s,%s", variant.private ? variant.private : "", names[i]) < 0)
            return;
        struct knock_out *input = &found->inputs[found->ninputs++];
        input->call = strdup(names[i]);
        variant.private = private;
        run_trials(verify, &variant, 1, n, &input->trials);
        free(private);
    }
}

/* Lowers the sharing level as long as it fails. */
static void descend(struct verify *verify, unsigned n)
{
    struct plan variant = variant_of(verify);
    for (int rung = (int)verify->plan->share - 1; rung >= (int)RUNG_PRIVATE; rung--) {
        variant.share = (enum rung)rung;
        struct trials *trials = &verify->found->ladder[rung];
        run_trials(verify, &variant, 1, n, trials);
        if (trials->hit == 0)
            return;
    }
}

/* Leaves only the statements that use nothing but the interpreter. */
static void try_plain(struct verify *verify, unsigned n)
{
    const struct statement_list *list = &verify->run->statements;
    size_t plain = 0;
    for (size_t i = 0; i < list->n; i++)
        plain += list->items[i].plain && !statement_is_left_out(verify->plan, list->items[i].source);
    verify->found->all_plain = list->n > 0 && plain == list->n;
    if (plain > 0 && plain < list->n)
        try_without(verify, NULL, n, &verify->found->plain);
}

/* Do these trials show that it needs a statement of the others, so that further ones are in vain? */
static bool needs_others(const struct verify *verify)
{
    const struct verification *found = verify->found, seen = {.again = verify->seen};
    return found->without && found->again.hit == 0 && verification_is_telling(&seen, &found->again);
}

/* The first trials. A crash may need the inaccessible pages of the guard: where it shows nothing without them, only the
 * trials with them count. */
static void run_first(struct verify *verify)
{
    struct trials *again = &verify->found->again;
    struct plan variant = variant_of(verify);
    run_trials(verify, &variant, HITS, HITS, again);
    if (again->hit > 0 || again->of < HITS || verify->detect == verify->detect_all)
        return;
    verify->detect = verify->detect_all;
    *again = (struct trials){0};
    variant = variant_of(verify);
    run_trials(verify, &variant, HITS, HITS, again);
}

void verify_variants(struct verify *verify)
{
    struct verification *found = verify->found;
    run_first(verify);
    struct plan variant = variant_of(verify);
    if (!needs_others(verify))
        run_trials(verify, &variant, HITS, TRIALS_MAX, &found->again);
    if (found->again.hit == 0)
        return;
    found->over = true;
    unsigned n = trials_needed(found);
    bool meets = variant.outcome; /* it needs all roles, and objects that they share */
    variant = variant_of(verify);
    if (!meets)
        knock_out_calls(verify, n);
    verify->settings.gil = true;
    run_trials(verify, &variant, 1, n, &found->gil);
    verify->settings.gil = false;
    if (meets)
        return;
    descend(verify, n);
    variant.threads = 1;
    run_trials(verify, &variant, 1, 1, &found->alone);
    try_plain(verify, n);
    if (variant.share != RUNG_PRIVATE)
        part_names(verify, n);
}
