/* The refcount detector: checks that equal calls leave the reference counts of their objects the same.
 *
 * It holds spare references to every audited object, more than the calls of a window could release by mistake, so that
 * an object that is released too often stays alive and can be reported. Objects that lost references are never freed.
 *
 * Contract. Child main, attached, while the workers are parked (counting.h).
 */
#include "detectors/leak/refcount.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/wire/counted.h"
#include "core/wire/status.h"
#include "core/plan/plan.h"
#include "detectors/common/array_api.h"
#include "detectors/common/counting.h"
#include "detectors/common/pycompat.h"
#include "detectors/leak/loaded.h"
#include "detectors/leak/pointers.h"
#include "detectors/memory/pyobject.h"

#define AUDITED_MAX POINTERS_MAX
#define NAMED_MOST 4
#define DEPTH 2 /* of containers in containers */
/* References to one object that one call may release before the spares run out. */
#define SPARES_PER_CALL 8
#define SPARES_LEAST 64
/* More than the serial pass makes, even with many roles. */
#define SERIAL_CALLS 20000

struct audited {
    PyObject *object; /* strong */
    char name[64];
    int container; /* index of its container, or -1 */
    enum audit_relation relation;
    enum pyobject_references kind;
    bool loaded; /* by a statement, and no name of the plan refers to it */
    Py_ssize_t spares;
    Py_ssize_t counts[COUNTED_WINDOWS + 1];
};

static struct audited audited[AUDITED_MAX];
static unsigned naudited, npoints;
static bool is_full;       /* an object had no place in `audited` */
static int64_t copies = 1; /* objects of each name: one for each thread with private inputs */
static bool lost[AUDITED_MAX];
/* To the audited objects: after the first windows, and at the end. */
static struct pointers pointers_before, pointers_after;
static bool has_pointers;

static int index_of(const PyObject *object)
{
    int i = (int)naudited - 1;
    while (i >= 0 && audited[i].object != object)
        i--;
    return i;
}

bool refcount_holds(const PyObject *object)
{
    int index = index_of(object);
    return index >= 0 && lost[index];
}

static void add(PyObject *object, const char *name, enum audit_relation relation, int container,
                unsigned depth);

static void add_items(PyObject *object, int container, unsigned depth)
{
    Py_ssize_t at = 0;
    PyObject *key, *value;
    char name[sizeof audited->name];
    bool is_list = PyList_CheckExact(object);
    for (Py_ssize_t i = 0; (is_list || PyTuple_CheckExact(object)) && i < Py_SIZE(object) && !is_full; i++) {
        snprintf(name, sizeof name, "%.40s[%zd]", audited[container].name, i);
        add(is_list ? PyList_GET_ITEM(object, i) : PyTuple_GET_ITEM(object, i), name, AUDIT_ITEM, container,
            depth + 1);
    }
    while (PyDict_CheckExact(object) && PyDict_Next(object, &at, &key, &value)) {
        snprintf(name, sizeof name, "a value of %.40s", audited[container].name);
        add(value, name, AUDIT_ITEM, container, depth + 1);
    }
}

static void add_parts(PyObject *object, int container)
{
    char name[sizeof audited->name];
    if (!array_api_has(object))
        return;
    PyArrayObject *array = (PyArrayObject *)object;
    snprintf(name, sizeof name, "%.40s.dtype", audited[container].name);
    add((PyObject *)PyArray_DESCR(array), name, AUDIT_DTYPE, container, DEPTH);
    snprintf(name, sizeof name, "%.40s.base", audited[container].name);
    if (PyArray_BASE(array))
        add(PyArray_BASE(array), name, AUDIT_BASE, container, DEPTH);
}

static enum audit_relation relation_of(PyObject *object)
{
    return PyType_Check(object) ? AUDIT_CLASS : AUDIT_NAME;
}

static void add_loaded(PyObject *object, const char *name)
{
    unsigned next = naudited;
    add(object, name, relation_of(object), -1, DEPTH);
    if (next < naudited)
        audited[next].loaded = true;
}

/* The same object under two names is one. */
static void add(PyObject *object, const char *name, enum audit_relation relation, int container,
                unsigned depth)
{
    if (index_of(object) >= 0 || (is_full |= naudited == AUDITED_MAX))
        return;
    int index = (int)naudited++;
    struct audited *entry = &audited[index];
    *entry = (struct audited){.object = Py_NewRef(object), .container = container, .relation = relation};
    snprintf(entry->name, sizeof entry->name, "%s", name);
    if (depth < DEPTH)
        add_items(object, index, depth);
    add_parts(object, index);
}

static void add_names(PyObject *names)
{
    static const char *const ours[] = {"thread_index", "iteration_index", "case"};
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(names, &at, &key, &value)) {
        const char *name = PyUnicode_AsUTF8(key);
        bool skip = !name || name[0] == '_';
        for (size_t i = 0; !skip && i < sizeof ours / sizeof *ours; i++)
            skip = strcmp(name, ours[i]) == 0;
        if (!skip)
            add(value, name, relation_of(value), -1, 0);
    }
}

static void add_requested(const struct detector_call *call, const struct plan *plan, PyObject *names)
{
    for (unsigned i = 0; i < plan->naudit; i++) {
        char text[256];
        PyObject *object = PyRun_String(plan->audit[i], Py_eval_input, names, names);
        if (object) {
            add(object, plan->audit[i], AUDIT_ASKED, -1, 0);
            Py_DECREF(object);
            continue;
        }
        PyObject *raised = PyErr_GetRaisedException();
        snprintf(text, sizeof text,
                 "audit: '%.100s' cannot be evaluated (%.60s); name an input or an object of the setup",
                 plan->audit[i], Py_TYPE(raised)->tp_name);
        Py_DECREF(raised);
        RECORD_SEND(call->wire, RECORD_CANNOT, .values = {[CANNOT_STATUS] = STATUS_USAGE}, .texts = {text});
    }
}

/* Notes the immortal objects: their references are not counted. Names a few, and counts the rest. */
static void note_immortal(const struct detector_call *call, bool loaded)
{
    char names[512] = "", text[640], rest[32] = "";
    unsigned n = 0;
    for (unsigned i = 0; i < naudited; i++) {
        if (audited[i].kind != PYOBJECT_IMMORTAL || audited[i].relation == AUDIT_DTYPE ||
            audited[i].loaded != loaded)
            continue;
        if (n++ < NAMED_MOST)
            text_add(names, sizeof names, ", ", "%s", audited[i].name);
    }
    if (n == 0)
        return;
    if (n > NAMED_MOST)
        snprintf(rest, sizeof rest, " and %u more", n - NAMED_MOST);
    snprintf(text, sizeof text, "refcount: immortal on this interpreter, cannot be audited: %s%s%s", names,
             rest, loaded ? "" : "; make such objects at run time");
    RECORD_SEND(call->wire, RECORD_NOTE, .texts = {text});
}

/* What the statements load comes first: items of a container may be too many. */
static void collect(const struct detector_call *call, const struct counting_window *window)
{
    copies = window->nnames > 0 ? window->nnames : 1;
    for (unsigned i = 0; i < window->nnames; i++) {
        if (window->plan->naudit > 0) {
            add_requested(call, window->plan, window->names[i]);
            continue;
        }
        loaded_visit(window->codes, window->names[i], add_loaded);
        add_names(window->names[i]);
    }
}

static void read_counts(unsigned point)
{
    for (unsigned i = 0; i < naudited; i++) {
        Py_ssize_t count = 0;
        audited[i].kind = pyobject_references(audited[i].object, &count);
        audited[i].counts[point] = count - audited[i].spares;
    }
}

/* A statement may keep references in what it changes, or drop them: counts the pointers to each object, so that the
 * driver distinguishes such references from lost ones. */
static bool count_pointers(struct pointers *pointers)
{
    PyObject *objects[AUDITED_MAX];
    for (unsigned i = 0; i < naudited; i++)
        objects[i] = audited[i].object;
    return pointers_count(objects, naudited, pointers);
}

static void take_spares(uint64_t calls)
{
    Py_ssize_t wanted = (Py_ssize_t)calls * SPARES_PER_CALL + SPARES_LEAST;
    for (unsigned i = 0; i < naudited; i++) {
        struct audited *entry = &audited[i];
        Py_ssize_t there = 0;
        if (pyobject_references(entry->object, &there) == PYOBJECT_IMMORTAL || there >= wanted)
            continue;
        pyobject_add_references(entry->object, wanted - there);
        entry->spares += wanted - there;
    }
}

/* Objects of one name, one for each thread; or items of one type in containers of one name. */
static bool are_alike(const struct audited *one, const struct audited *other)
{
    if (one->relation != other->relation || Py_TYPE(one->object) != Py_TYPE(other->object))
        return false;
    if (one->relation != AUDIT_ITEM)
        return strcmp(one->name, other->name) == 0;
    return strcmp(audited[one->container].name, audited[other->container].name) == 0;
}

static Py_ssize_t change_of(const struct audited *entry)
{
    return entry->kind == PYOBJECT_IMMORTAL || npoints <= COUNTED_WARM_UP
               ? 0
               : entry->counts[npoints - 1] - entry->counts[COUNTED_WARM_UP];
}

/* Freed memory and the spare items of a list still have their old words. */
static int64_t change_of_pointers(unsigned i, bool fewer)
{
    return fewer ? pointers_after.tracked[i] - pointers_before.tracked[i]
                 : pointers_after.words[i] - pointers_before.words[i];
}

/* Objects that are alike and changed in the same direction are reported once. */
static void report(const struct detector_call *call, unsigned first, bool *reported)
{
    const struct audited *entry = &audited[first];
    struct record record;
    record_begin(&record, RECORD_AUDIT, RECORD_MAIN);
    record.values[AUDIT_RELATION] = entry->relation;
    record.values[AUDIT_KIND] = entry->kind;
    record.values[AUDIT_NPOINTS] = npoints;
    record.values[AUDIT_HAS_POINTERS] = has_pointers;
    for (unsigned i = first; i < naudited; i++) {
        Py_ssize_t change = change_of(&audited[i]);
        bool joins = are_alike(entry, &audited[i]) && (change_of(entry) > 0) == (change > 0);
        if (reported[i] || change == 0 || (i != first && !joins))
            continue;
        reported[i] = true;
        record.values[AUDIT_OBJECTS]++;
        record.values[AUDIT_POINTERS] += change_of_pointers(i, change < 0);
        for (unsigned point = 0; point < npoints; point++)
            record.values[AUDIT_POINTS + point] += audited[i].counts[point];
    }
    record.values[AUDIT_OBJECTS] = (record.values[AUDIT_OBJECTS] + copies - 1) / copies;
    char type[96];
    pyobject_type_name(entry->object, type, sizeof type);
    record_add_text(&record, entry->name);
    record_add_text(&record, type);
    record_add_text(&record, entry->container >= 0 ? audited[entry->container].name : "");
    record_send(&record, call->wire);
    atomic_fetch_add_explicit(call->findings, 1, memory_order_relaxed);
}

/* Releases the spares of all objects but those that lost references. */
static void release_spares(void)
{
    for (unsigned i = 0; i < naudited; i++) {
        struct audited *entry = &audited[i];
        Py_ssize_t now = 0;
        lost[i] = pyobject_references(entry->object, &now) != PYOBJECT_IMMORTAL &&
                  (change_of(entry) < 0 || now - entry->spares < entry->counts[0]);
        if (lost[i])
            continue;
        if (entry->spares)
            pyobject_add_references(entry->object, -entry->spares);
        Py_DECREF(entry->object);
    }
}

static void refcount_begin(struct detector_call *call, const struct counting_window *window)
{
    collect(call, window);
    take_spares(SERIAL_CALLS);
}

static void report_all(const struct detector_call *call)
{
    bool reported[AUDITED_MAX] = {false};
    has_pointers = has_pointers && count_pointers(&pointers_after);
    note_immortal(call, false);
    note_immortal(call, true);
    if (is_full)
        RECORD_SEND(call->wire, RECORD_NOTE,
                    .texts = {"refcount: only the first " AS_TEXT(AUDITED_MAX) " objects are audited"});
    for (unsigned i = 0; i < naudited; i++)
        if (!reported[i] && change_of(&audited[i]) != 0)
            report(call, i, reported);
}

static void refcount_window(struct detector_call *call, const struct counting_window *window)
{
    if (window->arm != COUNTED_CALLS)
        return;
    if (window->number == 0) /* again: the setup may have made other objects since */
        collect(call, window);
    read_counts(window->number);
    npoints = window->number + 1;
    if (window->number == COUNTED_WARM_UP)
        has_pointers = count_pointers(&pointers_before);
    if (window->next > 0) {
        take_spares(window->next);
        return;
    }
    report_all(call);
    release_spares();
}

const struct detector refcount_detector = {
    .id = DETECTOR_REFCOUNT,
    .turn = 80,
    .begin_counting = refcount_begin,
    .window = refcount_window,
};
