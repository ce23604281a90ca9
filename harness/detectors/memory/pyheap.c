/* The pyheap detector: Python objects whose memory, type or reference count was corrupted.
 *
 * CPython's debug hooks (the child starts the interpreter with them) look at a block only when it is freed; this walk
 * looks at the blocks of living objects: all that the collector tracks, and what they refer to.
 *
 * Contract. Child main, attached. At the end of a round the workers wait at a barrier, detached; the world is stopped
 * while objects are visited, as for a collection, so tp_traverse is safe here wherever it is for the collector. The
 * visitors allocate nothing, take no lock and run no Python code. Other threads may run between two looks: damage is
 * told only when a second look, in a second stop of the world, sees the same at the same place.
 */
#include "detectors/common/detector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "detectors/memory/pyobject.h"
#include "detectors/memory/readable.h"
#include "detectors/common/pycompat.h"

/* Damaged objects that one walk keeps apart, and kinds of damage that one run does. */
#define DAMAGES 256
#define CULPRITS 16
/* Walks take at most this part of the time. */
#define DUTY 20

struct damage {
    const PyObject *object;
    enum pyobject_fault fault;
    bool confirmed;
};

/* One fault of one type of object: one finding. */
struct culprit {
    char signature[112];
    char sentence[400]; /* about the first object */
    const PyObject *object;
    unsigned seen; /* objects, in this walk */
    unsigned told;
};

static struct damage damages[DAMAGES];
static unsigned ndamages;
static struct culprit culprits[CULPRITS];
static unsigned nculprits;
static uint64_t began, spent, longest, walks;

struct walk {
    bool second;
    PyObject *holder;
    uint64_t objects, foreign;
};

static struct damage *find_damage(const PyObject *object, enum pyobject_fault fault)
{
    for (unsigned i = 0; i < ndamages; i++)
        if (damages[i].object == object && damages[i].fault == fault)
            return &damages[i];
    return NULL;
}

static struct culprit *find_culprit(const char *signature)
{
    unsigned i = 0;
    while (i < nculprits && strcmp(culprits[i].signature, signature) != 0)
        i++;
    if (i == CULPRITS)
        return NULL;
    if (i == nculprits)
        nculprits++;
    return &culprits[i];
}

/* Where the object itself says nothing that can be trusted, the type of its holder names it. */
static void sign(PyObject *object, const struct pyobject_look *look, PyObject *holder, char *text,
                 size_t size)
{
    char type[64] = "";
    PyObject *subject = look->fault < PYOBJECT_COUNT ? holder : object;
    if (subject)
        pyobject_type_name(subject, type, sizeof type);
    snprintf(text, size, "pyheap|%s|%s%s", pyobject_fault_names[look->fault], type,
             look->buffer ? " items" : "");
}

static void blame(PyObject *object, const struct pyobject_look *look, PyObject *holder)
{
    char signature[sizeof culprits->signature];
    sign(object, look, holder, signature, sizeof signature);
    struct culprit *culprit = find_culprit(signature);
    if (!culprit)
        return;
    if (!*culprit->signature) {
        memcpy(culprit->signature, signature, sizeof signature);
        pyobject_describe(object, look, holder, culprit->sentence, sizeof culprit->sentence);
        culprit->object = object;
    }
    culprit->seen++;
}

static void note_damage(const struct walk *walk, PyObject *object, const struct pyobject_look *look)
{
    struct damage *known = find_damage(object, look->fault);
    if (!walk->second && !known && ndamages < DAMAGES)
        damages[ndamages++] = (struct damage){.object = object, .fault = look->fault};
    if (!walk->second || !known || known->confirmed)
        return;
    known->confirmed = true;
    blame(object, look, walk->holder);
}

/* An object that the collector tracks is visited on its own, and need not be looked at through others. */
static bool check(struct walk *walk, PyObject *object)
{
    struct pyobject_look look = {.fault = pyobject_check_head(object)};
    if (look.fault == PYOBJECT_SOUND && walk->holder && PyObject_GC_IsTracked(object))
        return true;
    if (look.fault == PYOBJECT_SOUND)
        look = pyobject_check_memory(object);
    walk->objects++;
    walk->foreign += look.foreign;
    if (look.fault != PYOBJECT_SOUND)
        note_damage(walk, object, &look);
    return look.fault == PYOBJECT_SOUND;
}

static int visit_referent(PyObject *object, void *argument)
{
    check(argument, object);
    return 0;
}

static int visit_tracked(PyObject *object, void *argument)
{
    struct walk *walk = argument;
    walk->holder = NULL;
    if (!check(walk, object) || !Py_TYPE(object)->tp_traverse)
        return 1;
    walk->holder = object;
    Py_TYPE(object)->tp_traverse(object, visit_referent, walk);
    return 1;
}

static void look_at_all(struct walk *walk)
{
    readable_forget();
    pyobject_forget();
    PyUnstable_GC_VisitObjects(visit_tracked, walk);
}

static void tell(const struct detector_call *call, struct culprit *culprit)
{
    struct record record;
    record_begin(&record, RECORD_CORRUPT, call->worker);
    record.values[CORRUPT_DETECTOR] = DETECTOR_PYHEAP;
    record.values[CORRUPT_ADDRESS] = (int64_t)(uintptr_t)culprit->object;
    record.values[CORRUPT_COUNT] = culprit->seen - culprit->told;
    record_add_text(&record, culprit->sentence);
    record_add_text(&record, culprit->signature);
    record_add_text(&record, call->statement ? call->statement : "");
    record_send(&record, call->wire);
    culprit->told = culprit->seen;
    atomic_fetch_add_explicit(call->findings, 1, memory_order_relaxed);
}

/* Damage stays, and each walk meets it again: a culprit is told when it is new, and at the end if it grew. */
static void tell_all(const struct detector_call *call, bool last)
{
    for (unsigned i = 0; i < nculprits; i++)
        if (culprits[i].seen > culprits[i].told && (last || culprits[i].told == 0))
            tell(call, &culprits[i]);
}

static struct walk walk_twice(void)
{
    struct walk first = {0}, second = {.second = true};
    uint64_t from = clock_now();
    ndamages = 0;
    for (unsigned i = 0; i < nculprits; i++)
        culprits[i].seen = 0;
    look_at_all(&first);
    if (ndamages > 0)
        look_at_all(&second);
    uint64_t took = clock_now() - from;
    spent += took;
    longest = took > longest ? took : longest;
    walks++;
    return first;
}

/* For the JSON report only: its name begins with a line. */
static void send_fact(const struct detector_call *call, const struct walk *walk)
{
    struct record record;
    char text[160];
    snprintf(text, sizeof text,
             "_pyheap=%llu walks, the last over %llu objects, %llu of them not checkable; %.1f ms in all",
             (unsigned long long)walks, (unsigned long long)walk->objects, (unsigned long long)walk->foreign,
             1e3 * clock_seconds(spent));
    record_begin(&record, RECORD_ENVIRONMENT, RECORD_MAIN);
    record_add_text(&record, text);
    record_send(&record, call->wire);
}

static int pyheap_start(void)
{
    began = clock_now();
    return pyobject_has_layout() && debug_block_hooked() && !PYCOMPAT_NO_GC_VISIT ? 0 : -ENOTSUP;
}

static void pyheap_end_round(struct detector_call *call)
{
    if ((spent + longest) * DUTY > clock_now() - began)
        return;
    walk_twice();
    tell_all(call, false);
}

static void pyheap_finish(struct detector_call *call)
{
    struct walk walk = walk_twice();
    tell_all(call, true);
    send_fact(call, &walk);
}

const struct detector pyheap_detector = {
    .id = DETECTOR_PYHEAP,
    .turn = 60,
    .start = pyheap_start,
    .end_round = pyheap_end_round,
    .finish = pyheap_finish,
};
