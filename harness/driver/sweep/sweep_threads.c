/* The calls of a unit that returned, with several threads. */
#include "driver/sweep/sweep_unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_trial.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
#define OUTSIDE (BIT(CRASH) | BIT(HANG) | BIT(LOG))
#define INSIDE (BIT(EXCEPTION) | BIT(DIVERGE))
#define SECONDS(n) ((n)*CLOCK_SECOND)
/* Statements of a plan with threads, and its time. */
#define TOGETHER_MOST 40
#define TOGETHER_TIME SECONDS(2)
/* Processor time of a slow call: 40 of them in 4 threads take 16 ms on two cores. */
#define SLOW_TIME (CLOCK_SECOND / 5000)
/* A batch that cannot be tested is halved, as often at most. */
#define HALVINGS_MOST 3
/* The time of a statement that failed there, alone with threads; and of its trials. */
#define AGAIN_TIME SECONDS(4)
#define VERIFY_TIME SECONDS(8)

/* Children of a plan with many statements: threads meet before each iteration, so that they are in the same
 * statement. */
static const struct member members[] = {
    {.name = "guard",
     .detect = OUTSIDE | INSIDE | BIT(GUARD),
     .unique = OUTSIDE | INSIDE | BIT(GUARD),
     .perturb = PERTURB_LOCKSTEP,
     .rides = PERTURB_ALLOC | PERTURB_LOCKS},
    {.name = "watched",
     .detect = OUTSIDE | INSIDE | BIT(INVARIANT),
     .unique = BIT(DIVERGE) | BIT(INVARIANT),
     .perturb = PERTURB_LOCKSTEP},
};
static const struct member_set together = {
    .members = members, .n = sizeof members / sizeof *members, .fallback = &members[1]};

/* The only child of a fuzzer's plan: a second start would take as long as some hundred calls of each statement, and
 * later rounds make them again. */
static const struct member whole = {.name = "guard",
                                    .detect = OUTSIDE | INSIDE | BIT(INVARIANT) | BIT(GUARD),
                                    .unique = OUTSIDE | INSIDE | BIT(INVARIANT) | BIT(GUARD),
                                    .perturb = PERTURB_LOCKSTEP,
                                    .rides = PERTURB_ALLOC | PERTURB_LOCKS};
static const struct member_set drawn = {.members = &whole, .n = 1, .fallback = &members[1]};

/* Does an argument of the call have the name of an array? */
static bool has_array(const struct sweep *sweep, const char *call)
{
    size_t i;
    const json_t *input;
    json_array_foreach (json_object_get(sweep->catalogue, "inputs"), i, input)
        if (strstr(call, json_string_value(json_array_get(input, 0))))
            return true;
    return false;
}

/* A call of a callable for threads: the first one that returned a result, with an array if there is one. NULL: none
 * did, or one failed. */
const struct unit_call *unit_choose_call(const struct sweep *sweep, const struct unit *unit, size_t owner)
{
    const struct unit_call *first = NULL, *chosen = NULL;
    if (unit_has_failed(unit, owner))
        return NULL;
    for (size_t i = 0; i < unit->n; i++) {
        const struct unit_call *call = &unit->calls[i];
        if (call->owner != owner)
            continue;
        if (call->state == CALL_RETURNED && !first)
            first = call;
        if (call->state == CALL_RETURNED && !chosen && has_array(sweep, strchr(call->text, '(')))
            chosen = call;
    }
    return chosen ? chosen : first;
}

int unit_run_call(struct sweep *sweep, struct unit *unit, const struct unit_call *call, json_t **ret_report)
{
    struct trial trial = {.verify = VERIFY_TIME};
    trial_begin(sweep, call->text, &trial.plan);
    trial.plan.threads = trial_threads(sweep);
    trial.plan.time = AGAIN_TIME;
    int error = trial_add_call(sweep, unit, call, &trial.plan);
    if (!error)
        error = trial_run(sweep, unit, &trial, ret_report);
    plan_clear(&trial.plan);
    if (!error)
        trial_add_ids(json_array_get(unit->rows, call->owner), json_object_get(*ret_report, "findings"));
    return error;
}

/* Runs a call by itself; but first others of the callable, so that the same bug has the same finding each night: the
 * one of the baseline, and the first one. *ret_found: one of them failed. */
static int run_in_order(struct sweep *sweep, struct unit *unit, const struct unit_call *call, bool *ret_found)
{
    const struct unit_call *const order[] = {unit_known_call(sweep, unit, call->owner),
                                             unit_choose_call(sweep, unit, call->owner), call};
    int error = 0;
    *ret_found = false;
    for (int i = 0; i < 3 && !error && !*ret_found; i++) {
        json_auto_t *report = NULL;
        if (!order[i] || (i > 0 && order[i] == order[i - 1]) || (i == 2 && order[2] == order[0]))
            continue;
        error = unit_run_call(sweep, unit, order[i], &report);
        *ret_found = json_array_size(json_object_get(report, "findings")) > 0;
    }
    return error;
}

/* Runs the statement of a finding by itself, with all kinds of children. Without a failure there, other calls may be to
 * blame, such as one that changes a setting of the whole process. */
static int run_again(struct sweep *sweep, struct unit *unit, const struct unit_call *call,
                     const json_t *finding)
{
    bool found;
    int error = run_in_order(sweep, unit, call, &found);
    if (error || found)
        return error;
    if (sweep->signals)
        json_array_append_new(unit->suspects, json_pack("[I, s]", (json_int_t)(call - unit->calls),
                                                        document_text(finding, "message")));
    else
        json_array_append_new(
            unit->notes,
            json_sprintf("%s failed under threads among other calls, and not by itself: %s; no finding",
                         call->text, document_text(finding, "message")));
    return 0;
}

/* Calls that threads make together. */
struct batch {
    const struct unit_call *calls[TOGETHER_MOST];
    unsigned n, halvings;
};

/* The call of the batch that a finding is in; NULL: not known. */
static const struct unit_call *find_guilty(const struct unit *unit, const struct batch *batch,
                                           const json_t *finding)
{
    for (unsigned i = 0; i < batch->n; i++) {
        cleanup_free char *object = trial_name_object(unit, batch->calls[i]);
        cleanup_free char *text = object ? unit_call_as(batch->calls[i], object) : NULL;
        if (text && strcmp(document_text(finding, "statement"), text) == 0)
            return batch->calls[i];
    }
    return NULL;
}

static void drop_call(struct batch *batch, const struct unit_call *call)
{
    unsigned n = 0;
    for (unsigned i = 0; i < batch->n; i++)
        if (batch->calls[i]->owner != call->owner)
            batch->calls[n++] = batch->calls[i];
    batch->n = n;
}

/* Tries the findings of a batch again, each in a plan of its own. Returns 1 where a call left the batch, 0, or
 * -errno. */
static int settle(struct sweep *sweep, struct unit *unit, struct batch *batch, const json_t *report)
{
    size_t i;
    const json_t *finding;
    int dropped = 0;
    json_array_foreach (json_object_get(report, "findings"), i, finding) {
        const struct unit_call *call = find_guilty(unit, batch, finding);
        if (!call)
            continue;
        int error = run_again(sweep, unit, call, finding);
        if (error)
            return error;
        drop_call(batch, call);
        dropped = 1;
    }
    return dropped;
}

/* Notes why nothing is known of the calls under threads. */
static void note_untested(struct unit *unit, const struct batch *batch, const char *why)
{
    for (unsigned i = 0; i < batch->n; i++) {
        json_t *row = json_array_get(unit->rows, batch->calls[i]->owner);
        json_object_set_new(row, "not_reached", json_pack("{s:s}", sweep_pass_name(PASS_THREADS), why));
    }
}

static int run_batch(struct sweep *sweep, struct unit *unit, struct batch *batch);

/* Divides the batch by callables. Returns false for the calls of one callable. */
static bool halve(const struct batch *batch, struct batch half[static 2])
{
    size_t low = SIZE_MAX, high = 0;
    half[0] = half[1] = (struct batch){.halvings = batch->halvings + 1};
    for (unsigned i = 0; i < batch->n; i++) {
        low = batch->calls[i]->owner < low ? batch->calls[i]->owner : low;
        high = batch->calls[i]->owner > high ? batch->calls[i]->owner : high;
    }
    for (unsigned i = 0; i < batch->n; i++) {
        struct batch *to = &half[batch->calls[i]->owner > (low + high) / 2];
        to->calls[to->n++] = batch->calls[i];
    }
    return low < high;
}

/* A callable that cannot be tested, such as one that imports what turns the GIL on, costs only itself. */
static int run_halves(struct sweep *sweep, struct unit *unit, const struct batch *batch, const char *why)
{
    struct batch half[2];
    int error = 0;
    if (!halve(batch, half) || batch->halvings == HALVINGS_MOST) {
        if (!sweep->signals) /* a fuzzer runs others of the callable later */
            note_untested(unit, batch, why);
        return 0;
    }
    for (int i = 0; i < 2 && !error; i++)
        error = run_batch(sweep, unit, &half[i]);
    return error;
}

static int run_together(struct sweep *sweep, struct unit *unit, const struct batch *batch,
                        json_t **ret_report)
{
    struct trial trial = {.members = sweep->signals ? &drawn : &together, .is_search = true};
    int error = 0;
    trial_begin(sweep, "sweep", &trial.plan);
    trial.plan.threads = trial_threads(sweep);
    trial.plan.time = TOGETHER_TIME;
    for (unsigned i = 0; i < batch->n && !error; i++)
        error = trial_add_call(sweep, unit, batch->calls[i], &trial.plan);
    if (!error)
        error = trial_run(sweep, unit, &trial, ret_report);
    plan_clear(&trial.plan);
    return error;
}

static int run_batch(struct sweep *sweep, struct unit *unit, struct batch *batch)
{
    int dropped = 1;
    for (int tries = 0; dropped > 0 && tries < 3 && batch->n > 0; tries++) {
        json_auto_t *report = NULL;
        if (sweep_is_over(sweep)) {
            unit->complete = false;
            return 0;
        }
        int error = run_together(sweep, unit, batch, &report);
        bool is_tested = error || strcmp(document_text(report, "verdict"), "untested") != 0;
        if (!is_tested && unit->complete)
            return run_halves(sweep, unit, batch, document_text(report, "reason"));
        dropped = error ? error : settle(sweep, unit, batch, report);
    }
    return dropped < 0 ? dropped : 0;
}

/* The calls of a callable that returned, but for the chosen one: the part-th of `parts` that lie evenly among them, so
 * that each kind of argument has a turn. NULL: there are fewer. */
static const struct unit_call *choose_further(const struct unit *unit, const struct unit_call *chosen,
                                              unsigned part, unsigned parts)
{
    size_t n = unit_count(unit, chosen->owner, CALL_RETURNED) - 1, at = n <= parts ? part : part * n / parts;
    for (size_t i = 0; part < parts && at < n && i < unit->n; i++) {
        const struct unit_call *call = &unit->calls[i];
        if (call->owner == chosen->owner && call != chosen && call->state == CALL_RETURNED && at-- == 0)
            return call;
    }
    return NULL;
}

/* The call of a callable for a turn; the first turn has the chosen call. NULL: there is none, or another call of the
 * callable has a finding, failed among others, or could not be tested. */
static const struct unit_call *call_for_turn(const struct sweep *sweep, const struct unit *unit, size_t owner,
                                             unsigned turn)
{
    const struct unit_call *chosen = unit_choose_call(sweep, unit, owner);
    if (json_object_get(json_array_get(unit->rows, owner), "not_reached"))
        return NULL;
    if (turn == 0 || !chosen)
        return chosen;
    if (json_object_get(json_array_get(unit->rows, owner), "findings"))
        return NULL;
    return choose_further(unit, chosen, turn - 1, sweep->turns - 1);
}

static void forget_untested(struct unit *unit)
{
    size_t i;
    json_t *row;
    json_array_foreach (unit->rows, i, row)
        json_object_del(row, "not_reached");
}

bool unit_is_slow(const struct unit *unit, size_t owner)
{
    unsigned made = unit_count(unit, owner, CALL_RETURNED) + unit_count(unit, owner, CALL_RAISED) +
                    unit_count(unit, owner, CALL_CHANGED);
    return unit->used[owner] > made * SLOW_TIME;
}

/* Adds the call to the batch of its kind, and runs that if it is full. */
static int add_call(struct sweep *sweep, struct unit *unit, const struct unit_call *call, struct batch *batch)
{
    batch->calls[batch->n++] = call;
    if (batch->n < TOGETHER_MOST)
        return 0;
    int error = run_batch(sweep, unit, batch);
    batch->n = 0;
    return error;
}

int unit_run_threads(struct sweep *sweep, struct unit *unit)
{
    struct batch batches[2] = {{.n = 0}, {.n = 0}}; /* of fast calls, and of slow ones */
    int error = 0;
    forget_untested(unit);
    for (unsigned turn = 0; turn == 0 || turn < sweep->turns; turn++)
        for (size_t i = 0; i < json_array_size(unit->entries) && !error; i++) {
            const struct unit_call *call = call_for_turn(sweep, unit, i, turn);
            if (call)
                error = add_call(sweep, unit, call, &batches[unit_is_slow(unit, i)]);
        }
    for (unsigned i = 0; i < 2; i++)
        if (batches[i].n > 0 && !error)
            error = run_batch(sweep, unit, &batches[i]);
    return error;
}
