#include "child/run/learn.h"

#include "child/space/fingerprint.h"
#include "core/wire/record.h"
#include "detectors/common/pycompat.h"

/* Pickling is dear: the first calls tell, and the end. */
#define LOOKS_MAX 64

/* Tells the driver what a serial call changed for good. */
static void send_learnt(const struct detector_call *call, const struct watched *watched, const char *sentence)
{
    struct record record;
    record_begin(&record, RECORD_INVARIANT, RECORD_MAIN);
    record.values[INVARIANT_COUNT] = 1;
    record.values[INVARIANT_SERIAL] = 1;
    record_add_text(&record, watched->name);
    record_add_text(&record, sentence);
    record_add_text(&record, call->statement ? call->statement : "");
    record_send(&record, call->wire);
}

static void look(struct learn *learn)
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
    /* What cannot be looked at whole counts as changing. */
    look(learn);
}

void learn_after_call(struct learn *learn, const struct detector_call *call, PyObject *raised)
{
    if (raised) {
        PyErr_SetRaisedException(Py_NewRef(raised));
        space_say_exception(learn->run->last_raised, sizeof learn->run->last_raised);
    }
    char sentence[640];
    for (unsigned i = 0; i < call->nwatched; i++)
        if (watched_learn(&call->watched[i], sentence, sizeof sentence))
            send_learnt(call, &call->watched[i], sentence);
    if (learn->looks++ < LOOKS_MAX)
        look(learn);
}

void learn_end(struct learn *learn, const struct space *space)
{
    look(learn);
    for (unsigned i = 0; i < space->nwatched; i++)
        if (!space->watched[i].written)
            learn->run->changes |= space->watched[i].mutable_data || space->watched[i].mutable_metadata;
    learn->run->mutable |= learn->run->changes;
    Py_CLEAR(learn->fingerprint);
}
