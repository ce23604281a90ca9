/* What a round shows that is new. */
#include "driver/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_trial.h"

/* Plans of one call that a callable has in the corpus. */
#define KINDS_MOST 6

bool fuzz_is_new(struct fuzz *fuzz, const char *name, const char *signal)
{
    cleanup_free char *key = NULL;
    if (asprintf(&key, "%s %s", name, signal) < 0 || json_object_get(fuzz->seen, key))
        return false;
    json_object_set_new(fuzz->seen, key, json_true());
    return true;
}

/* Counts the plans of a callable under its name. */
static bool has_room(struct fuzz *fuzz, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(fuzz->seen, name));
    if (n < KINDS_MOST)
        json_object_set_new(fuzz->seen, name, json_integer(n + 1));
    return n < KINDS_MOST;
}

static int keep_call(struct fuzz *fuzz, const struct unit *unit, const struct unit_call *call)
{
    struct plan plan;
    trial_begin(fuzz->sweep, "fuzz", &plan);
    plan.threads = trial_threads(fuzz->sweep);
    int error = trial_add_call(fuzz->sweep, unit, call, &plan);
    error = error ? error : corpus_keep(&fuzz->corpus, &plan);
    plan_clear(&plan);
    return error;
}

/* A callable that failed would fail in most of the later rounds, too. */
static void leave_out(struct fuzz *fuzz, const struct unit *unit)
{
    size_t i;
    const json_t *row;
    json_array_foreach (unit->rows, i, row)
        if (json_array_size(json_object_get(row, "findings")) > 0)
            json_object_set_new(fuzz->spent, document_text(row, "name"), json_true());
    for (i = 0; i < unit->n; i++)
        if (unit->calls[i].state >= CALL_CRASHED)
            json_object_set_new(fuzz->spent,
                                document_text(json_array_get(unit->entries, unit->calls[i].owner), "name"),
                                json_true());
}

int fuzz_learn(struct fuzz *fuzz, struct unit *unit)
{
    size_t i;
    const json_t *signal;
    int error = 0;
    json_array_foreach (unit->signals, i, signal) {
        const struct unit_call *call = &unit->calls[json_integer_value(json_array_get(signal, 0))];
        const char *name = document_text(json_array_get(unit->entries, call->owner), "name");
        bool is_new = fuzz_is_new(fuzz, name, json_string_value(json_array_get(signal, 1)));
        if (is_new && call->state == CALL_RETURNED && !error && has_room(fuzz, name))
            error = keep_call(fuzz, unit, call);
    }
    leave_out(fuzz, unit);
    atomic_store(&fuzz->sweep->board->kept, (unsigned)fuzz->corpus.n);
    return error;
}
