/* The exception detector: an exception that the serial run does not raise.
 *
 * Contract. The serial pass fills `expected` on the child's main thread before any worker starts; afterwards it is only
 * read. Workers add to `seen` by a compare-and-swap on each slot's hash, and it never shrinks, so a reader needs no
 * lock: a slot is empty or final.
 */
#include "detectors/result/exception.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define SIGNATURES 64
#define TOO_MANY                                                                                             \
    "a child raised more than " AS_TEXT(SIGNATURES) " different exceptions; the later ones are not reported"
#define SIGNATURE_SIZE 256

static uint64_t expected[SIGNATURES];
static unsigned nexpected;
static _Atomic uint64_t seen[SIGNATURES];
static _Atomic uint64_t counts[SIGNATURES];
static char texts[SIGNATURES][SIGNATURE_SIZE];
/* Of the first exception of a signature, written by the worker that claimed it; statement is NULL if it is not held. */
static struct held {
    struct detector_call call;
    char text[512];
} held[SIGNATURES];

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

static void send(const struct detector_call *call, const char *text, const char *signature, uint64_t count,
                 bool found)
{
    DETECTOR_SEND(call, found, RECORD_EXCEPTION,
                  .values = {[EXCEPTION_COUNT] = (int64_t)count,
                             [EXCEPTION_MUTABLE] = call->mutable,
                             [EXCEPTION_SERIAL] = call->serial},
                  .texts = {text, signature});
}

/* Returns the slot of this signature, with *ret_new if this call claimed it; -1 if the table is full. */
static int claim(uint64_t hash, bool *ret_new)
{
    for (int i = 0; i < SIGNATURES; i++) {
        uint64_t there = 0;
        *ret_new = atomic_compare_exchange_strong(&seen[i], &there, hash);
        if (*ret_new || there == hash)
            return i;
    }
    return -1;
}

static void exception_after_call(struct detector_call *call, PyObject *result, PyObject *raised)
{
    (void)result;
    if (!raised)
        return;
    static atomic_flag noted = ATOMIC_FLAG_INIT;
    char text[1024], signature[SIGNATURE_SIZE];
    describe(raised, text, sizeof text);
    uint64_t hash = normalise(text, signature, sizeof signature);
    if (is_expected(hash))
        return;
    if (call->serial) {
        if (nexpected < SIGNATURES)
            expected[nexpected++] = hash;
        send(call, text, signature, 1, false);
        return;
    }
    bool is_new;
    int slot = claim(hash, &is_new);
    /* Statements that change shared objects cause exceptions themselves: the end of the round would end the race. */
    if (!call->mutable)
        atomic_store_explicit(call->damaged, true, memory_order_relaxed);
    if (slot < 0) {
        detector_note_once(call, &noted, TOO_MANY);
        return;
    }
    if (!is_new) {
        atomic_fetch_add_explicit(&counts[slot], 1, memory_order_relaxed);
        return;
    }
    memcpy(texts[slot], signature, sizeof signature);
    if (!call->opaque || call->mutable)
        send(call, text, signature, 1, !call->mutable);
    else {
        held[slot].call = *call;
        snprintf(held[slot].text, sizeof held[slot].text, "%.500s", text);
    }
}

void exception_recall(PyObject *raised)
{
    char text[1024], signature[SIGNATURE_SIZE];
    describe(raised, text, sizeof text);
    uint64_t hash = normalise(text, signature, sizeof signature);
    if (!is_expected(hash) && nexpected < SIGNATURES)
        expected[nexpected++] = hash;
}

bool exception_is_held(void)
{
    for (unsigned i = 0; i < SIGNATURES; i++)
        if (held[i].call.statement)
            return true;
    return false;
}

void exception_settle(const struct detector_call *call, bool mutable)
{
    for (unsigned i = 0; i < SIGNATURES; i++) {
        struct detector_call *first = &held[i].call;
        first->mutable = mutable;
        first->findings = call->findings;
        if (first->statement && !is_expected(seen[i]))
            send(first, held[i].text, texts[i], 1, !mutable);
        first->statement = NULL;
    }
}

/* Sends the number of repetitions; the first exception was sent at once. */
static void exception_finish(struct detector_call *call)
{
    for (int i = 0; i < SIGNATURES; i++) {
        uint64_t count = atomic_load_explicit(&counts[i], memory_order_relaxed);
        if (count > 0)
            send(call, texts[i], texts[i], count, false);
    }
}

const struct detector exception_detector = {
    .id = DETECTOR_EXCEPTION,
    .turn = 30,
    .after_call = exception_after_call,
    .finish = exception_finish,
};
