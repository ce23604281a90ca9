#include "child/run/learn.h"

#include <stdio.h>

#include "child/space/fingerprint.h"
#include "core/wire/record.h"
#include "detectors/common/pycompat.h"

/* Pickling is slow: only the first calls of a role are compared, and the end. */
#define LOOKS_MAX 64

static void note_change(struct run *run, const char *name)
{
    if (!run->changes)
        snprintf(run->why_mutable, sizeof run->why_mutable, "the statements change what they share (%s)",
                 name);
    run->mutable = run->changes = true;
}

static void compare_names(struct learn *learn)
{
    PyObject *name;
    struct run *run = learn->run;
    if (!learn->fingerprint || run->changes)
        return;
    enum fingerprint_verdict verdict = fingerprint_compare(learn->fingerprint, learn->names, &name);
    const char *text = name ? PyUnicode_AsUTF8(name) : NULL;
    if (verdict == FINGERPRINT_CHANGED)
        note_change(run, text ? text : "an object");
    else if (verdict != FINGERPRINT_SAME && !run->mutable)
        snprintf(run->why_mutable, sizeof run->why_mutable,
                 "%s has no pickle, so the statements may change it unseen", text ? text : "an object");
    run->opaque |= verdict == FINGERPRINT_OPAQUE;
    run->mutable |= verdict == FINGERPRINT_UNKNOWN;
}

void learn_begin(struct learn *learn, struct run *run, PyObject *names)
{
    *learn = (struct learn){.run = run, .names = names};
    if (run->program)
        learn->fingerprint = fingerprint_take(names, run->program->used);
    compare_names(learn);
}

void learn_after_call(struct learn *learn, const struct detector_call *call, PyObject *raised)
{
    if (raised) {
        PyErr_SetRaisedException(Py_NewRef(raised));
        space_exception_text(learn->run->last_raised, sizeof learn->run->last_raised);
    }
    char sentence[640];
    for (unsigned i = 0; i < call->nwatched; i++)
        if (watched_learn(&call->watched[i], sentence, sizeof sentence))
            RECORD_SEND(call->wire, RECORD_INVARIANT,
                        .values = {[INVARIANT_COUNT] = 1, [INVARIANT_SERIAL] = 1},
                        .texts = {call->watched[i].name, sentence, call->statement ? call->statement : ""});
    if (learn->looks++ < LOOKS_MAX)
        compare_names(learn);
}

void learn_end(struct learn *learn, const struct space *space)
{
    compare_names(learn);
    /* The fingerprint decides about what is inside an object, if it sees all of it. */
    for (unsigned i = 0; i < space->nwatched; i++) {
        const struct watched *watched = &space->watched[i];
        if (!watched->written && (!watched->inside || learn->run->opaque) &&
            (watched->mutable_data || watched->mutable_metadata))
            note_change(learn->run, watched->name);
    }
    if (learn->run->mutable || learn->run->opaque)
        space_loosen(learn->run->maker, space);
    Py_CLEAR(learn->fingerprint);
}
