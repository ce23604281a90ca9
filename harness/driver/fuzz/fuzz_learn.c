/* What a round shows that is new. */
#include "driver/fuzz/fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/fuzz/fuzz_draw.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_trial.h"

/* Calls of a callable that are noted because they returned. */
#define RETURNED_MOST 16

/* A full disk loses plans, but no findings: the fuzzer goes on. */
int fuzz_keep(struct fuzz *fuzz, struct plan *plan, const char *signals)
{
    int error = corpus_keep(&fuzz->corpus, plan, signals);
    if (error == -ENOMEM || error == 0)
        return error;
    if (!fuzz->lost++)
        json_array_append_new(json_object_get(fuzz->total, "notes"),
                              json_sprintf("cannot write to the corpus %s: %s; the fuzzer went on without",
                                           fuzz->corpus.dir, strerror(-error)));
    return 0;
}

static int keep_call(struct fuzz *fuzz, const struct unit *unit, const struct unit_call *call,
                     const char *kind)
{
    struct plan plan;
    cleanup_free char *signal = NULL;
    if (asprintf(&signal, "%s %s", fuzz_name(unit, call->owner), kind) < 0)
        return -ENOMEM;
    trial_begin(fuzz->sweep, "fuzz", &plan);
    plan.threads = trial_threads(fuzz->sweep);
    int error = trial_add_call(fuzz->sweep, unit, call, &plan);
    error = error ? error : fuzz_keep(fuzz, &plan, signal);
    plan_clear(&plan);
    return error;
}

/* The call with the findings of a callable: the first one that failed on one thread, else the one for threads. */
static const struct unit_call *find_failure(const struct fuzz *fuzz, const struct unit *unit, size_t owner)
{
    for (size_t i = 0; i < unit->n; i++)
        if (unit->calls[i].owner == owner &&
            (unit->calls[i].state == CALL_CRASHED || unit->calls[i].state == CALL_SHOWN))
            return &unit->calls[i];
    return unit_choose_call(fuzz->sweep, unit, owner);
}

/* Keeps a plan for each finding of one callable, which the next night runs first. */
static int keep_failures(struct fuzz *fuzz, const struct unit *unit, size_t owner)
{
    const struct unit_call *call = find_failure(fuzz, unit, owner);
    const json_t *ids = json_object_get(json_array_get(unit->rows, owner), "findings"), *id;
    size_t i;
    int error = 0;
    json_array_foreach (ids, i, id) {
        char kind[64];
        snprintf(kind, sizeof kind, FUZZ_FAILS " %s", json_string_value(id));
        if (call && !error && corpus_is_new(&fuzz->corpus, fuzz_name(unit, owner), kind))
            error = keep_call(fuzz, unit, call, kind);
    }
    return error;
}

/* A callable that failed would fail in most of the later rounds, too. One that ended its process, and not by itself,
 * has one more round: another call may be to blame. */
static void spend(struct fuzz *fuzz, const struct unit *unit, size_t owner)
{
    const char *name = fuzz_name(unit, owner);
    unsigned slow = unit_count(unit, owner, CALL_TIME) + unit_count(unit, owner, CALL_MEMORY);
    unsigned failed = unit_count(unit, owner, CALL_CRASHED) + unit_count(unit, owner, CALL_SHOWN);
    bool has_findings = json_array_size(json_object_get(json_array_get(unit->rows, owner), "findings")) > 0;
    const json_t *before = json_object_get(fuzz->spent, name);
    bool is_second = before && json_integer_value(before) != (json_int_t)fuzz->rounds;
    if (has_findings || slow > 0 || (failed > 0 && is_second))
        json_object_set_new(fuzz->spent, name, json_true());
    else if (failed > 0)
        json_object_set_new(fuzz->spent, name, json_integer(fuzz->rounds));
}

bool fuzz_is_spent(const struct fuzz *fuzz, const char *name)
{
    return json_is_true(json_object_get(fuzz->spent, name));
}

static bool has_text(const json_t *texts, const char *text)
{
    size_t i;
    const json_t *one;
    json_array_foreach (texts, i, one)
        if (strcmp(json_string_value(one), text) == 0)
            return true;
    return false;
}

/* Notes the calls that returned: later rounds draw them and others like them. A full list loses an older one. */
static void note_returned(struct fuzz *fuzz, const struct unit *unit)
{
    for (size_t i = 0; i < unit->n; i++) {
        const struct unit_call *call = &unit->calls[i];
        const char *name = fuzz_name(unit, call->owner);
        json_t *texts = json_object_get(fuzz->returned, name);
        if (call->state != CALL_RETURNED || call->is_sequence || has_text(texts, call->text))
            continue;
        if (!texts)
            json_object_set_new(fuzz->returned, name, texts = json_array());
        if (json_array_size(texts) < RETURNED_MOST)
            json_array_append_new(texts, json_string(call->text));
        else
            json_array_set_new(texts, draw(&fuzz->prng, RETURNED_MOST), json_string(call->text));
    }
}

/* A callable of which most calls raised has a turn in the next round, too, once: others of its forms may fit. */
static void note_thin(struct fuzz *fuzz, const struct unit *unit)
{
    for (size_t i = 0; i < json_array_size(unit->entries); i++) {
        const char *name = fuzz_name(unit, i);
        bool is_thin = unit_count(unit, i, CALL_RETURNED) < unit_count(unit, i, CALL_RAISED);
        if (is_thin && !json_object_get(fuzz->thin, name))
            json_object_set_new(fuzz->thin, name, json_integer((json_int_t)fuzz->rounds));
    }
}

int fuzz_learn(struct fuzz *fuzz, struct unit *unit)
{
    size_t i;
    const json_t *signal;
    int error = 0;
    note_returned(fuzz, unit);
    note_thin(fuzz, unit);
    json_array_foreach (unit->signals, i, signal) {
        const struct unit_call *call = &unit->calls[json_integer_value(json_array_get(signal, 0))];
        const char *name = fuzz_name(unit, call->owner), *kind = json_string_value(json_array_get(signal, 1));
        if (corpus_is_new(&fuzz->corpus, name, kind) && call->state == CALL_RETURNED && !error &&
            corpus_has_room(&fuzz->corpus, name))
            error = keep_call(fuzz, unit, call, kind);
    }
    for (i = 0; i < json_array_size(unit->entries); i++) {
        spend(fuzz, unit, i);
        error = error ? error : keep_failures(fuzz, unit, i);
    }
    atomic_store(&fuzz->sweep->board->kept, (unsigned)fuzz->corpus.n);
    return error;
}
