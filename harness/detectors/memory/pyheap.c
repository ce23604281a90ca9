/* The pyheap detector: Python objects with corrupted memory, type or reference count.
 *
 * CPython's debug hooks (the child starts the interpreter with them) check a block only when it is freed. These walks
 * check the blocks of live objects: all that the collector tracks, and those that they refer to.
 *
 * Contract. Child main, attached. At the end of a round the workers wait at a barrier, detached; the world is stopped
 * while objects are visited, as for a collection, so tp_traverse is as safe here as it is for the collector. The
 * visitors allocate nothing, take no lock and run no Python code. Other threads may run between two walks: damage is
 * reported only if a second walk, in a second stop of the world, finds it at the same place.
 */
#include "detectors/common/detector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "detectors/memory/pyobject.h"
#include "detectors/memory/readable.h"
#include "detectors/common/pycompat.h"

/* Most damaged objects of one walk, and kinds of damage of one run. */
#define DAMAGES 256
#define CULPRITS 16
/* The walks take at most 1/DUTY of the time. */
#define DUTY 20

struct damage {
    const PyObject *object;
    enum pyobject_fault fault;
    bool confirmed;
};

/* One fault of one type of object: a finding. */
struct culprit {
    char signature[112];
    char sentence[400]; /* about the first object */
    const PyObject *object;
    unsigned seen; /* objects, in this walk */
    unsigned reported;
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

/* Writes the signature. If the object itself cannot be trusted, it has the type of its holder. */
static void print_signature(PyObject *object, const struct pyobject_look *look, PyObject *holder, char *text,
                            size_t size)
{
    char type[64] = "";
    PyObject *subject = look->fault < PYOBJECT_COUNT ? holder : object;
    if (subject)
        pyobject_type_name(subject, type, sizeof type);
    snprintf(text, size, "pyheap|%s|%s%s", pyobject_fault_names[look->fault], type,
             look->buffer ? " items" : "");
}

static void count_culprit(PyObject *object, const struct pyobject_look *look, PyObject *holder)
{
    char signature[sizeof culprits->signature];
    print_signature(object, look, holder, signature, sizeof signature);
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
    unsigned i = 0;
    while (i < ndamages && (damages[i].object != object || damages[i].fault != look->fault))
        i++;
    if (!walk->second && i == ndamages && ndamages < DAMAGES)
        damages[ndamages++] = (struct damage){.object = object, .fault = look->fault};
    if (!walk->second || i == ndamages || damages[i].confirmed)
        return;
    damages[i].confirmed = true;
    count_culprit(object, look, walk->holder);
}

/* Skips a referent that the collector tracks: it is visited on its own. Returns true if the object is sound. */
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

static void walk_once(struct walk *walk)
{
    readable_forget();
    pyobject_forget();
    PyUnstable_GC_VisitObjects(visit_tracked, walk);
}

static void report(const struct detector_call *call, struct culprit *culprit)
{
    DETECTOR_SEND(call, true, RECORD_CORRUPT,
                  .values = {[CORRUPT_DETECTOR] = DETECTOR_PYHEAP,
                             [CORRUPT_ADDRESS] = (int64_t)(uintptr_t)culprit->object,
                             [CORRUPT_COUNT] = culprit->seen - culprit->reported},
                  .texts = {culprit->sentence, culprit->signature});
    culprit->reported = culprit->seen;
}

/* Each walk finds the same damage again: reports a culprit when it is new, and at the end if it grew. */
static void report_all(const struct detector_call *call, bool last)
{
    for (unsigned i = 0; i < nculprits; i++)
        if (culprits[i].seen > culprits[i].reported && (last || culprits[i].reported == 0))
            report(call, &culprits[i]);
}

static struct walk walk_twice(void)
{
    struct walk first = {0}, second = {.second = true};
    uint64_t from = clock_now();
    ndamages = 0;
    for (unsigned i = 0; i < nculprits; i++)
        culprits[i].seen = 0;
    walk_once(&first);
    if (ndamages > 0)
        walk_once(&second);
    uint64_t took = clock_now() - from;
    spent += took;
    longest = took > longest ? took : longest;
    walks++;
    return first;
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
    report_all(call, false);
}

static void pyheap_finish(struct detector_call *call)
{
    struct walk walk = walk_twice();
    char fact[160]; /* for the JSON report only, as the underscore before its name says */
    report_all(call, true);
    snprintf(fact, sizeof fact,
             "_pyheap=%llu walks, the last over %llu objects, %llu of them not checkable; %.1f ms in all",
             (unsigned long long)walks, (unsigned long long)walk.objects, (unsigned long long)walk.foreign,
             1e3 * clock_seconds(spent));
    RECORD_SEND(call->wire, RECORD_ENVIRONMENT, .texts = {fact});
}

const struct detector pyheap_detector = {
    .id = DETECTOR_PYHEAP,
    .turn = 60,
    .start = pyheap_start,
    .end_round = pyheap_end_round,
    .finish = pyheap_finish,
};
