#include "driver/fuzz/fuzz_mix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "core/plan/perturb.h"
#include "driver/fuzz/fuzz_draw.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_trial.h"

/* A draw that goes on: the best one so far, and how many are as good. */
struct best {
    const struct unit_call *call;
    unsigned met;   /* meetings with the calls of the mix */
    bool is_beside; /* it shares an object or an array with one of them */
    size_t ties;
};

static const char *make_of(const struct unit *unit, const struct unit_call *call)
{
    return document_text(json_array_get(unit->entries, call->owner), "make");
}

static bool share_class(const struct unit *unit, const struct unit_call *one, const struct unit_call *other)
{
    return *make_of(unit, one) && strcmp(make_of(unit, one), make_of(unit, other)) == 0;
}

/* Does the call use the array? */
static bool uses(const struct unit_call *call, const char *array)
{
    static const char inside[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.";
    const char *at = strchr(call->text, '(');
    size_t length = strlen(array);
    for (; at && (at = strstr(at, array)); at += length)
        if (!strchr(inside, at[-1]) && (!at[length] || at[length] == '.' || !strchr(inside, at[length])))
            return true;
    return false;
}

/* Do threads that make these calls use the same object or array? */
static bool are_beside(const struct fuzz *fuzz, const struct unit *unit, const struct unit_call *one,
                       const struct unit_call *other)
{
    size_t i;
    const json_t *input;
    if (share_class(unit, one, other))
        return true;
    json_array_foreach (fuzz->table, i, input) {
        const char *array = json_string_value(json_array_get(input, 0));
        if (uses(one, array) && uses(other, array))
            return true;
    }
    return false;
}

/* The key of a pair, whichever comes first. The caller's, or NULL without memory. */
static char *pair_of(const char *one, const char *other)
{
    bool in_order = strcmp(one, other) < 0;
    char *key;
    return asprintf(&key, "%s %s", in_order ? one : other, in_order ? other : one) < 0 ? NULL : key;
}

static unsigned meetings_of(const struct fuzz *fuzz, const char *key)
{
    return (unsigned)json_integer_value(json_object_get(fuzz->met, key));
}

static void count_one(struct fuzz *fuzz, const char *key)
{
    json_object_set_new(fuzz->met, key, json_integer(meetings_of(fuzz, key) + 1));
}

void mix_count(struct fuzz *fuzz, const struct unit *unit, const struct mix *mix)
{
    for (unsigned i = 0; i < mix->n; i++)
        for (unsigned k = 0; k < i; k++) {
            const char *one = fuzz_name(unit, mix->calls[i]->owner),
                       *other = fuzz_name(unit, mix->calls[k]->owner);
            cleanup_free char *pair = pair_of(one, other);
            if (pair)
                count_one(fuzz, pair);
            count_one(fuzz, one);
            count_one(fuzz, other);
        }
}

/* Meetings of the callable with those of the mix; with an empty mix, with all. */
static unsigned count_met(const struct fuzz *fuzz, const struct unit *unit, const struct mix *mix,
                          const char *name)
{
    unsigned n = mix->n == 0 ? meetings_of(fuzz, name) : 0;
    for (unsigned i = 0; i < mix->n; i++) {
        cleanup_free char *pair = pair_of(name, fuzz_name(unit, mix->calls[i]->owner));
        n += pair ? meetings_of(fuzz, pair) : 0;
    }
    return n;
}

static bool has_owner(const struct mix *mix, size_t owner)
{
    for (unsigned i = 0; i < mix->n; i++)
        if (mix->calls[i]->owner == owner)
            return true;
    return false;
}

static bool is_beside_mix(const struct fuzz *fuzz, const struct unit *unit, const struct mix *mix,
                          const struct unit_call *call)
{
    for (unsigned i = 0; i < mix->n; i++)
        if (are_beside(fuzz, unit, mix->calls[i], call))
            return true;
    return false;
}

/* Takes the call if it is better than the best one, or as good and drawn. */
static void compare(struct fuzz *fuzz, const struct unit_call *call, unsigned met, bool is_beside,
                    struct best *best)
{
    bool is_better = !best->call || met < best->met || (met == best->met && is_beside > best->is_beside);
    bool is_tie = best->call && met == best->met && is_beside == best->is_beside;
    if (is_better)
        *best = (struct best){.call = call, .met = met, .is_beside = is_beside, .ties = 1};
    else if (is_tie && draw(&fuzz->prng, ++best->ties) == 0)
        best->call = call;
}

/* Draws a call of a callable that met those of the mix least; of these, one on the same object or array as a call
 * of the mix, because calls race for what they share. NULL: none is left. */
static const struct unit_call *draw_next(struct fuzz *fuzz, const struct unit *unit, const struct mix *mix)
{
    struct best best = {.call = NULL};
    size_t owner = SIZE_MAX;
    unsigned met = 0;
    for (size_t i = 0; i < unit->n; i++) {
        const struct unit_call *call = &unit->calls[i];
        const char *name = fuzz_name(unit, call->owner);
        if (call->state != CALL_RETURNED || has_owner(mix, call->owner) || fuzz_is_spent(fuzz, name))
            continue;
        if (call->owner != owner)
            met = count_met(fuzz, unit, mix, name);
        owner = call->owner;
        if (!best.call || met <= best.met)
            compare(fuzz, call, met, is_beside_mix(fuzz, unit, mix, call), &best);
    }
    return best.call;
}

/* Draws the way to run. Many calls are a sequence, in which all pairs of them meet, each less often; in lockstep each
 * would meet itself only. */
static struct mix draw_way(struct fuzz *fuzz, bool are_many)
{
    static const uint32_t perturbs[] = {0, 0, PERTURB_DELAY, PERTURB_SKEW, PERTURB_LOCKSTEP};
    size_t n = sizeof perturbs / sizeof *perturbs - are_many;
    return (struct mix){.is_sequence = draw(&fuzz->prng, 4) == 0 || are_many,
                        .perturb = perturbs[draw(&fuzz->prng, n)],
                        .share = draw(&fuzz->prng, 8) == 0 ? RUNG_PRIVATE : RUNG_READONLY};
}

bool mix_draw(struct fuzz *fuzz, const struct unit *unit, const struct unit_call *first, struct mix *mix)
{
    static const unsigned sizes[] = {2, 3, MIX_ROLES, MIX_MOST / 2, MIX_MOST};
    unsigned most = sizes[draw(&fuzz->prng, sizeof sizes / sizeof *sizes)];
    *mix = draw_way(fuzz, most > MIX_ROLES);
    if (first)
        mix->calls[mix->n++] = first;
    const struct unit_call *call;
    while (mix->n < most && (call = draw_next(fuzz, unit, mix)))
        mix->calls[mix->n++] = call;
    return mix->n > 1;
}

/* The name of the object of the i-th call: methods of one class share it. Alone it has the name that it has in each
 * sweep. The caller's; NULL: the call has none, or there is no memory. */
static char *name_object(const struct unit *unit, const struct mix *mix, unsigned i)
{
    char *name = *make_of(unit, mix->calls[i]) ? trial_name_object(unit, mix->calls[i]) : NULL;
    bool is_shared = false;
    for (unsigned k = 0; k < mix->n; k++)
        is_shared |= k != i && share_class(unit, mix->calls[i], mix->calls[k]);
    const char *method = strrchr(fuzz_name(unit, mix->calls[i]->owner), '.');
    if (name && is_shared && method)
        name[strlen(name) - strlen(method)] = '\0';
    return name;
}

char *mix_statement(const struct unit *unit, const struct mix *mix, unsigned i)
{
    cleanup_free char *object = name_object(unit, mix, i);
    return unit_call_as(mix->calls[i], object);
}

int mix_plan(const struct fuzz *fuzz, const struct unit *unit, const struct mix *mix, struct plan *plan)
{
    int error = 0;
    trial_begin(fuzz->sweep, "fuzz", plan);
    plan->threads = trial_threads(fuzz->sweep);
    if (plan->threads < 2 * mix->n && !REQUEST_GAVE(fuzz->sweep->request, plan.threads))
        plan->threads = 2 * mix->n;
    plan->share = mix->share;
    plan->perturb = mix->perturb;
    plan->focus = strdup("*"); /* a read of a freed block is seen only between inaccessible pages */
    error = plan->focus ? 0 : -ENOMEM;
    for (unsigned i = 0; i < mix->n && !error; i++) {
        cleanup_free char *object = name_object(unit, mix, i);
        error = trial_add_call_on(fuzz->sweep, unit, mix->calls[i], object, plan);
    }
    if (!mix->is_sequence) {
        plan->roles = plan->steps;
        plan->nroles = plan->nsteps;
        plan->steps = NULL;
        plan->nsteps = 0;
    }
    return error;
}

char *mix_describe(const struct unit *unit, const struct mix *mix)
{
    char *text = NULL;
    for (unsigned i = 0; i < mix->n; i++) {
        cleanup_free char *call = unit_call_text(unit, mix->calls[i]);
        text_join(&text, "; ", call ? call : "");
    }
    return text;
}
