/* The exception detector: an exception that the serial run does not raise.
 *
 * Contract. The serial pass fills `expected` on the child's main thread before any worker starts; afterwards it is only
 * read. Workers add to `seen` by a compare-and-swap on each slot's hash, and it never shrinks, so a reader needs no
 * lock: a slot is empty or final. The thread that claims a slot fills in its texts, which are read after the workers
 * end.
 *
 * A slot is a type, a statement and the places of a traceback: what the message holds may differ in each run of a race.
 */
#include "detectors/result/exception.h"

#include <ctype.h>
#include <opcode.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/wire/scene.h"

#define SIGNATURES EXCEPTION_EXPECTED
#define FORMS 4 /* different messages of a slot that are sent; more are only counted */
#define TOO_MANY                                                                                             \
    "a child raised more than " AS_TEXT(SIGNATURES) " different exceptions; the later ones are not reported"
#define SIGNATURE_SIZE 256
#define TEXT_SIZE 512
#define PLACE_SIZE 1024
/* Frames of a traceback that are sent: those of the first calls, and the innermost. */
#define OUTER 4
#define INNER 8

static uint64_t expected[SIGNATURES];
static unsigned nexpected;

static struct slot {
    _Atomic uint64_t key, count, forms[FORMS];
    char text[TEXT_SIZE], signature[SIGNATURE_SIZE], place[PLACE_SIZE];
    const char *statement;
    _Atomic bool excused; /* one thread raised this type in the same iteration */
    _Atomic bool held;    /* until exception_settle; the thread that sets it fills in the slot */
    enum exception_how how;
    uint16_t worker;
    uint64_t iteration;
} seen[SIGNATURES];

static uint64_t hash_text(uint64_t h, const char *text)
{
    while (*text)
        h = (h ^ (unsigned char)*text++) * UINT64_C(0x100000001b3);
    return h;
}

/* "ValueError: index 12 of 0x7f…" and "ValueError: index 3 of 0x55…" are one signature: numbers become '#'. Returns its
 * hash, which is not 0. */
static uint64_t normalise(const char *text, char *out, size_t size)
{
    size_t n = 0;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    while (*text && n + 1 < size) {
        bool number = isdigit((unsigned char)*text);
        out[n] = *(number ? "#" : text++);
        h = (h ^ (unsigned char)out[n++]) * UINT64_C(0x100000001b3);
        while (number && (isxdigit((unsigned char)*text) || *text == 'x'))
            text++;
    }
    out[n] = '\0';
    return h | 1;
}

/* "ValueError: message"; the type alone if the exception's own __str__ raises. */
static void describe(PyObject *raised, char *text, size_t size)
{
    PyObject *message = PyObject_Str(raised);
    const char *utf8 = message ? PyUnicode_AsUTF8(message) : NULL;
    const char *name = strrchr(Py_TYPE(raised)->tp_name, '.');
    name = name ? name + 1 : Py_TYPE(raised)->tp_name;
    snprintf(text, size, utf8 && *utf8 ? "%s: %s" : "%s", name, utf8 ? utf8 : "");
    PyErr_Clear();
    Py_XDECREF(message);
}

static bool is_expected(uint64_t hash)
{
    for (unsigned i = 0; i < nexpected; i++)
        if (expected[i] == hash)
            return true;
    return false;
}

static void expect(uint64_t hash)
{
    if (nexpected < SIGNATURES)
        expected[nexpected++] = hash;
}

/* Writes its text and its signature. Returns the hash of the signature. */
static uint64_t hash_exception(PyObject *raised, char text[TEXT_SIZE], char signature[SIGNATURE_SIZE])
{
    describe(raised, text, TEXT_SIZE);
    return normalise(text, signature, SIGNATURE_SIZE);
}

/* Adds "12 Image.load /…/Image.py" and a line break; nothing for the statement itself. Returns the length. */
static size_t add_frame(PyTracebackObject *traceback, char *text, size_t size)
{
    PyCodeObject *code = PyFrame_GetCode(traceback->tb_frame);
    const char *file = PyUnicode_AsUTF8(code->co_filename), *name = PyUnicode_AsUTF8(code->co_qualname);
    int line = traceback->tb_lineno > 0 ? traceback->tb_lineno : PyCode_Addr2Line(code, traceback->tb_lasti);
    int n = 0;
    if (file && name && strcmp(file, SCENE_STEP) != 0)
        n = snprintf(text, size, "%d %.100s %s\n", line, name, file);
    PyErr_Clear();
    Py_DECREF(code);
    if (n < 0 || (size_t)n >= size) /* it does not fit */
        n = 0;
    text[n] = '\0';
    return (size_t)n;
}

/* Writes the Python frames where it was raised, outermost first. */
static void locate(PyTracebackObject *traceback, char *text, size_t size)
{
    size_t depth = 0, n = 0, i = 0;
    text[0] = '\0';
    for (PyTracebackObject *at = traceback; at; at = at->tb_next)
        depth++;
    for (PyTracebackObject *at = traceback; at; at = at->tb_next, i++)
        if (i < OUTER || i + INNER >= depth)
            n += add_frame(at, text + n, size - n);
}

/* Did the innermost frame raise it with a statement of its own? */
static bool is_stated(PyTracebackObject *traceback)
{
    while (traceback->tb_next)
        traceback = traceback->tb_next;
    PyCodeObject *code = PyFrame_GetCode(traceback->tb_frame);
    PyObject *bytes = PyCode_GetCode(code);
    bool is_stated = bytes && traceback->tb_lasti < PyBytes_GET_SIZE(bytes) &&
                     (unsigned char)PyBytes_AS_STRING(bytes)[traceback->tb_lasti] == RAISE_VARARGS;
    PyErr_Clear();
    Py_XDECREF(bytes);
    Py_DECREF(code);
    return is_stated;
}

/* Containers raise these where another thread changes them; an argument that is wrong raises other types. */
static bool is_of_container(PyObject *raised)
{
    return PyErr_GivenExceptionMatches(raised, PyExc_LookupError) ||
           (PyObject *)Py_TYPE(raised) == PyExc_RuntimeError;
}

static enum exception_how how_raised(PyObject *raised, PyTracebackObject *traceback)
{
    if (!traceback || is_stated(traceback))
        return RAISED_BY_STATEMENT;
    return is_of_container(raised) ? RAISED_BY_CONTAINER : RAISED_BY_OPERATION;
}

static void send(const struct detector_call *call, const char *text, const char *signature, const char *place,
                 enum exception_how how, bool found)
{
    DETECTOR_SEND(call, found, RECORD_EXCEPTION,
                  .values = {[EXCEPTION_COUNT] = 1,
                             [EXCEPTION_MUTABLE] = call->mutable,
                             [EXCEPTION_SERIAL] = call->serial,
                             [EXCEPTION_HOW] = how},
                  .texts = {text, signature, place});
}

/* Claims a place of the value in the table. Returns its index, with *ret_new where it was not there; -1: it is full. */
static int claim(_Atomic uint64_t *table, size_t stride, int n, uint64_t value, bool *ret_new)
{
    for (int i = 0; i < n; i++) {
        uint64_t there = 0;
        _Atomic uint64_t *at = (_Atomic uint64_t *)((char *)table + (size_t)i * stride);
        *ret_new = atomic_compare_exchange_strong(at, &there, value);
        if (*ret_new || there == value)
            return i;
    }
    return -1;
}

static void fill(struct slot *slot, const struct detector_call *call, const char *text, const char *signature,
                 const char *place)
{
    memcpy(slot->text, text, sizeof slot->text);
    memcpy(slot->signature, signature, sizeof slot->signature);
    memcpy(slot->place, place, sizeof slot->place);
    slot->statement = call->statement;
    slot->worker = call->worker;
    slot->iteration = call->iteration;
}

static void exception_after_call(struct detector_call *call, PyObject *result, PyObject *raised)
{
    (void)result;
    if (!raised)
        return;
    static atomic_flag noted = ATOMIC_FLAG_INIT;
    char text[TEXT_SIZE], signature[SIGNATURE_SIZE], place[PLACE_SIZE];
    uint64_t hash = hash_exception(raised, text, signature);
    if (is_expected(hash))
        return;
    PyTracebackObject *traceback = (PyTracebackObject *)PyException_GetTraceback(raised);
    locate(traceback, place, sizeof place);
    enum exception_how how = how_raised(raised, traceback);
    Py_XDECREF(traceback);
    if (call->serial) {
        expect(hash);
        send(call, text, signature, place, how, false);
        return;
    }
    bool is_new, is_form, holds = call->waits && !call->mutable;
    uint64_t key = hash_text(hash_text(hash_text(1, Py_TYPE(raised)->tp_name), place), call->statement) | 1;
    int slot = claim(&seen[0].key, sizeof *seen, SIGNATURES, key, &is_new);
    if (slot >= 0 && seen[slot].excused)
        return;
    /* Statements that change shared objects cause exceptions themselves: the end of the round would end the race. */
    if (!call->mutable)
        atomic_store_explicit(call->damaged, true, memory_order_relaxed);
    if (slot < 0) {
        detector_note_once(call, &noted, TOO_MANY);
        return;
    }
    if (is_new && !holds)
        fill(&seen[slot], call, text, signature, place);
    if (claim(seen[slot].forms, sizeof *seen[slot].forms, FORMS, hash, &is_form) < 0 || !is_form ||
        (holds && atomic_exchange(&seen[slot].held, true))) {
        atomic_fetch_add_explicit(&seen[slot].count, 1, memory_order_relaxed);
        return;
    }
    if (!holds) {
        send(call, text, signature, place, how, !call->mutable);
        return;
    }
    fill(&seen[slot], call, text, signature, place);
    seen[slot].how = how;
}

void exception_recall(PyObject *raised)
{
    char text[TEXT_SIZE], signature[SIGNATURE_SIZE];
    uint64_t hash = hash_exception(raised, text, signature);
    if (!is_expected(hash))
        expect(hash);
}

unsigned exception_expected(uint64_t ret[static EXCEPTION_EXPECTED])
{
    memcpy(ret, expected, sizeof expected);
    return nexpected;
}

void exception_expect(const uint64_t *hashes, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!is_expected(hashes[i]))
            expect(hashes[i]);
}

/* Is it of this type and statement? */
static bool is_alike(const struct slot *slot, PyObject *raised, const char *statement)
{
    const char *name = strrchr(Py_TYPE(raised)->tp_name, '.');
    name = name ? name + 1 : Py_TYPE(raised)->tp_name;
    size_t n = strlen(name);
    return strncmp(slot->text, name, n) == 0 && (slot->text[n] == ':' || slot->text[n] == '\0') &&
           strcmp(slot->statement, statement) == 0;
}

void exception_excuse(PyObject *raised, const char *statement)
{
    for (struct slot *slot = seen; slot < seen + SIGNATURES; slot++)
        if (slot->held && is_alike(slot, raised, statement))
            slot->excused = true;
}

bool exception_next_held(unsigned *at, uint16_t *ret_worker, uint64_t *ret_iteration)
{
    for (; *at < SIGNATURES; ++*at) {
        const struct slot *slot = &seen[*at];
        if (!slot->held)
            continue;
        *ret_worker = slot->worker;
        *ret_iteration = slot->iteration;
        ++*at;
        return true;
    }
    return false;
}

void exception_settle(const struct detector_call *call, bool mutable)
{
    char signature[SIGNATURE_SIZE];
    for (struct slot *slot = seen; slot < seen + SIGNATURES; slot++) {
        if (!atomic_exchange(&slot->held, false) || slot->excused ||
            is_expected(normalise(slot->text, signature, sizeof signature)))
            continue;
        struct detector_call first = *call;
        first.mutable = mutable;
        first.worker = slot->worker;
        first.iteration = slot->iteration;
        first.statement = slot->statement;
        send(&first, slot->text, slot->signature, slot->place, slot->how, !mutable);
    }
}

/* Sends the number of repetitions; the first exceptions were sent at once. */
static void exception_finish(struct detector_call *call)
{
    for (int i = 0; i < SIGNATURES; i++) {
        struct slot *slot = &seen[i];
        struct detector_call of = *call;
        uint64_t count = atomic_load_explicit(&slot->count, memory_order_relaxed);
        of.statement = slot->statement;
        if (count > 0)
            DETECTOR_SEND(&of, false, RECORD_EXCEPTION,
                          .values = {[EXCEPTION_COUNT] = (int64_t)count, [EXCEPTION_AGAIN] = true},
                          .texts = {slot->text, slot->signature, slot->place});
    }
}

const struct detector exception_detector = {
    .id = DETECTOR_EXCEPTION,
    .turn = 30,
    .after_call = exception_after_call,
    .finish = exception_finish,
};
