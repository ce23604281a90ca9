#include "child/run/learn.h"

#include <stdio.h>

#include "child/space/fingerprint.h"
#include "child/space/owner.h"
#include "child/space/plain.h"
#include "core/wire/record.h"
#include "detectors/common/pycompat.h"
#include "detectors/result/image.h"
#include "detectors/watch/spares.h"

/* Pickling is slow: only the first calls of a role are compared, and the end. */
#define LOOKS_MAX 64
/* Calls that show that a package changes objects at their first use. */
#define LAZIES 3

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

static bool runs_methods(PyObject *ids, PyObject *used)
{
    PyObject *iterator = PyObject_GetIter(ids), *each;
    bool runs = !iterator;
    while (iterator && (each = PyIter_Next(iterator))) {
        runs |= PyType_Check(each) && plain_runs_code((PyTypeObject *)each, used);
        Py_DECREF(each);
    }
    Py_XDECREF(iterator);
    return runs;
}

/* A method of the setup may change an object and put it back before the call ends. */
static void look_at_methods(struct run *run, const struct body *body, PyObject *ids)
{
    for (unsigned i = 0; ids && i < body->nsteps && !run->mutable; i++) {
        PyObject *used = PyObject_GetAttrString(body->steps[i].code, "co_names");
        run->mutable = !used || runs_methods(ids, used);
        if (run->mutable)
            snprintf(run->why_mutable, sizeof run->why_mutable,
                     "the statements may run methods of the setup, which may change what they share");
        Py_XDECREF(used);
    }
    PyErr_Clear();
}

void learn_begin(struct learn *learn, struct run *run, PyObject *names)
{
    *learn = (struct learn){.run = run, .names = names};
    if (run->program) {
        learn->fingerprint = fingerprint_take(names, run->program->used);
        learn->ids = PySet_New(NULL);
        learn->skeleton = learn->ids ? fingerprint_skeleton(names, run->program->used, learn->ids) : NULL;
        for (unsigned i = 0; i < run->program->nbodies; i++)
            look_at_methods(run, &run->program->bodies[i], learn->ids);
    }
    compare_names(learn);
}

/* Python code of the setup may change anything. */
static bool uses_setup_code(PyObject *code, PyObject *names, PyObject *ids)
{
    PyObject *used = PyObject_GetAttrString(code, "co_names");
    bool uses = !used || !ids || runs_methods(ids, used);
    for (Py_ssize_t i = 0; used && i < PyTuple_GET_SIZE(used); i++) {
        PyObject *value = PyDict_GetItemWithError(names, PyTuple_GET_ITEM(used, i));
        uses |= value && (PyFunction_Check(value) || PyMethod_Check(value) || PyType_Check(value)) &&
                owner_of(value) != OWNER_PACKAGE;
    }
    Py_XDECREF(used);
    return uses;
}

/* Nothing but objects of packages has changed, and the result is none of the shared objects. */
static bool is_skeleton_same(const struct learn *learn, PyObject *result)
{
    PyObject *ids = PySet_New(NULL), *id = PyLong_FromVoidPtr(result);
    PyObject *now = ids ? fingerprint_skeleton(learn->names, learn->run->program->used, ids) : NULL;
    bool same = now && learn->skeleton && id && PyObject_RichCompareBool(now, learn->skeleton, Py_EQ) == 1 &&
                PySet_Contains(ids, id) == 0;
    PyErr_Clear();
    Py_XDECREF(now);
    Py_XDECREF(ids);
    Py_XDECREF(id);
    return same;
}

bool learn_wants_again(struct learn *learn, const struct step *step, PyObject *result)
{
    const struct run *run = learn->run;
    PyObject *name;
    Py_CLEAR(learn->after);
    if (!learn->fingerprint || run->mutable || learn->looks >= LOOKS_MAX || !step->is_query || !result ||
        result == Py_None || learn->lazies >= LAZIES ||
        uses_setup_code(step->code, learn->names, learn->ids) ||
        fingerprint_compare(learn->fingerprint, learn->names, &name) != FINGERPRINT_CHANGED ||
        !is_skeleton_same(learn, result))
        return false;
    learn->after = fingerprint_take(learn->names, run->program->used);
    return learn->after;
}

static bool is_same(struct learn *learn, PyObject *result, PyObject *again)
{
    static const struct image_inputs none = {0};
    struct image image;
    PyObject *name;
    char text[640];
    if (image_take(&image, result, &none, text, sizeof text) < 0)
        return false;
    bool same = image_compare(&image, again, &none, text, sizeof text) == IMAGE_SAME &&
                fingerprint_compare(learn->after, learn->names, &name) != FINGERPRINT_CHANGED &&
                is_skeleton_same(learn, again);
    image_clear(&image);
    return same;
}

bool learn_is_lazy(struct learn *learn, PyObject *result, PyObject *again)
{
    if (!is_same(learn, result, again))
        return false;
    Py_SETREF(learn->fingerprint, Py_NewRef(learn->after));
    learn->lazies++;
    learn->run->lazy = true;
    snprintf(learn->run->why_mutable, sizeof learn->run->why_mutable,
             "the statements change what they share");
    return true;
}

void learn_after_call(struct learn *learn, const struct detector_call *call, PyObject *raised)
{
    Py_CLEAR(learn->after);
    if (raised) {
        PyErr_SetRaisedException(Py_NewRef(raised));
        space_exception_text(learn->run->last_raised, sizeof learn->run->last_raised);
    }
    char sentence[640];
    for (unsigned i = 0; i < call->nwatched; i++) {
        spares_check(&call->watched[i], call->statement ? call->statement : "");
        if (watched_learn(&call->watched[i], sentence, sizeof sentence))
            RECORD_SEND(call->wire, RECORD_INVARIANT,
                        .values = {[INVARIANT_COUNT] = 1, [INVARIANT_SERIAL] = 1},
                        .texts = {call->watched[i].name, sentence, call->statement ? call->statement : ""});
    }
    if (learn->looks++ < LOOKS_MAX && learn->lazies < LAZIES)
        compare_names(learn);
}

void learn_end(struct learn *learn, const struct space *space)
{
    if (learn->lazies < LAZIES)
        compare_names(learn);
    else if (!is_skeleton_same(learn, Py_None))
        note_change(learn->run, "an object");
    /* The fingerprint decides about what is inside an object, if it sees all of it. */
    for (unsigned i = 0; i < space->nwatched; i++) {
        const struct watched *watched = &space->watched[i];
        if (!watched->written && (!watched->inside || learn->run->opaque) &&
            (watched->mutable_data || watched->mutable_metadata))
            note_change(learn->run, watched->name);
    }
    if (learn->run->mutable || learn->run->opaque || learn->run->lazy)
        space_loosen(learn->run->maker, space);
    Py_CLEAR(learn->fingerprint);
    Py_CLEAR(learn->skeleton);
    Py_CLEAR(learn->ids);
}
