#include "child/run/learn.h"

#include "child/space/fingerprint.h"
#include "core/wire/record.h"
#include "detectors/common/pycompat.h"

/* Pickling is slow: only the first calls of a role are compared, and the end. */
#define LOOKS_MAX 64

static void compare_names(struct learn *learn)
{
    if (!learn->fingerprint || learn->run->changes)
        return;
    enum fingerprint_verdict verdict = fingerprint_compare(learn->fingerprint, learn->names);
    learn->run->mutable |= verdict != FINGERPRINT_SAME;
    learn->run->changes = verdict == FINGERPRINT_CHANGED;
}

void learn_begin(struct learn *learn, struct run *run, PyObject *names)
{
    *learn = (struct learn){.run = run, .names = names};
    if (run->program)
        learn->fingerprint = fingerprint_take(names, run->program->used);
    /* An object that cannot be compared counts as changing. */
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
    /* The fingerprint decides about what is inside an object. */
    for (unsigned i = 0; i < space->nwatched; i++)
        if (!space->watched[i].written && !space->watched[i].inside)
            learn->run->changes |= space->watched[i].mutable_data || space->watched[i].mutable_metadata;
    learn->run->mutable |= learn->run->changes;
    if (learn->run->mutable)
        space_loosen(learn->run->maker, space);
    Py_CLEAR(learn->fingerprint);
}
