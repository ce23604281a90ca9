/* The diverge detector: under threads a statement gives another result than on one thread.
 *
 * Contract. The functions of diverge.h create and judge reference results, on one thread, while no worker runs; workers
 * only read them, after a barrier. A worker counts each difference; the first one claims the reference with an exchange
 * and records the difference, which the main thread reads behind the barrier at the end of the round. Results of more
 * than 64 KiB are compared in one call of sixteen. No function runs Python code, or waits for more than the lock of a
 * dict.
 */
#include "detectors/result/diverge.h"

#include <stdio.h>
#include <stdlib.h>

#include "detectors/result/image.h"

#define ROLES 64
#define STEPS 64
/* Least calls on one thread that must give the same result, before any worker and again after a difference. */
#define CALLS_LEAST 3
#define LARGE_BYTES (64u << 10)
#define LARGE_EVERY 16

struct reference {
    struct image image;
    unsigned agreed;             /* calls on one thread with this result, in this pass */
    bool refuted;                /* such a call gave another result */
    bool usable;                 /* workers compare with it */
    bool confirmed;              /* the finding is reported */
    char why[160];               /* it is not usable */
    uint64_t reported;           /* differences */
    const char *statement;       /* the plan's */
    _Atomic bool claimed, close; /* close: at least once only the last bits differed */
    _Atomic uint64_t differing;
    uint16_t worker;
    uint64_t iteration;
    char sentence[640];
};

static struct reference *references[ROLES][STEPS];

static struct reference *reference_of(unsigned role, unsigned step)
{
    return role < ROLES && step < STEPS ? references[role][step] : NULL;
}

static void each(void (*act)(struct reference *, struct detector_call *), struct detector_call *call)
{
    for (unsigned role = 0; role < ROLES; role++)
        for (unsigned step = 0; step < STEPS; step++)
            if (references[role][step])
                act(references[role][step], call);
}

/* Calls on one thread */

static void refute(struct reference *reference, const char *why)
{
    reference->refuted = true;
    snprintf(reference->why, sizeof reference->why, "%.*s", (int)sizeof reference->why - 1, why);
}

static void add_result(struct reference *reference, PyObject *result)
{
    char text[sizeof reference->sentence];
    static const struct image_inputs none = {0};
    if (!result) {
        refute(reference, "one thread gets an exception");
        return;
    }
    enum image_verdict verdict = image_compare(&reference->image, result, &none, text, sizeof text);
    if (verdict == IMAGE_SAME || verdict == IMAGE_CLOSE)
        reference->agreed++;
    else
        refute(reference, verdict == IMAGE_UNFIT ? text : "one thread gets different results");
}

static struct reference *new_reference(const char *statement, PyObject *result)
{
    static const struct image_inputs none = {0};
    struct reference *reference = calloc(1, sizeof *reference);
    char text[sizeof reference->why] = "one thread gets an exception";
    if (!reference)
        return NULL;
    if (!result || image_take(&reference->image, result, &none, text, sizeof text) < 0)
        refute(reference, text);
    reference->agreed = 1;
    reference->statement = statement;
    return reference;
}

void diverge_learn(const struct diverge_step *at, PyObject *result)
{
    if (at->role >= ROLES || at->step >= STEPS)
        return;
    struct reference **reference = &references[at->role][at->step];
    if (!*reference)
        *reference = new_reference(at->statement, result);
    else if (!(*reference)->refuted)
        add_result(*reference, result);
}

static void settle_learnt(struct reference *reference, struct detector_call *call)
{
    (void)call;
    reference->usable = !reference->refuted && reference->agreed >= CALLS_LEAST;
    if (!reference->usable)
        image_clear(&reference->image);
    reference->agreed = 0;
}

void diverge_learnt(void)
{
    each(settle_learnt, NULL);
}

enum looked diverge_looks(unsigned role, unsigned step, const char **ret_why)
{
    const struct reference *reference = reference_of(role, step);
    *ret_why = reference && *reference->why ? reference->why : "too few calls were made on one thread";
    if (!reference || !reference->image.bytes)
        return LOOKED_NOT;
    return reference->usable ? LOOKED_YES : LOOKED_ENDED;
}

static bool is_uncertain(const struct reference *reference)
{
    return reference && reference->usable && !reference->confirmed &&
           atomic_load_explicit(&reference->claimed, memory_order_relaxed);
}

bool diverge_is_uncertain(unsigned role)
{
    for (unsigned step = 0; step < STEPS; step++)
        if (is_uncertain(reference_of(role, step)))
            return true;
    return false;
}

void diverge_recall(const struct diverge_step *at, PyObject *result)
{
    struct reference *reference = reference_of(at->role, at->step);
    if (is_uncertain(reference))
        add_result(reference, result);
}

/* Findings */

static void send(struct reference *reference, const struct detector_call *call, bool found)
{
    uint64_t count = atomic_load_explicit(&reference->differing, memory_order_relaxed);
    struct detector_call first = *call;
    first.worker = reference->worker;
    first.iteration = reference->iteration;
    first.statement = reference->statement;
    DETECTOR_SEND(&first, found, RECORD_DIVERGE,
                  .values = {[DIVERGE_COUNT] = (int64_t)(count - reference->reported)},
                  .texts = {reference->sentence});
    reference->reported = count;
}

static void settle(struct reference *reference, struct detector_call *call)
{
    if (!is_uncertain(reference))
        return;
    reference->confirmed = !reference->refuted && reference->agreed >= CALLS_LEAST;
    reference->usable = reference->confirmed;
    if (reference->confirmed)
        send(reference, call, true);
}

void diverge_settle(struct detector_call *call)
{
    each(settle, call);
}

static void forget(struct reference *reference, struct detector_call *call)
{
    (void)call;
    if (!is_uncertain(reference))
        return;
    atomic_store_explicit(&reference->differing, 0, memory_order_relaxed);
    atomic_store_explicit(&reference->claimed, false, memory_order_relaxed);
}

void diverge_forget(void)
{
    each(forget, NULL);
}

/* Workers */

static void note_difference(struct reference *reference, const struct detector_call *call,
                            const char *sentence)
{
    atomic_fetch_add_explicit(&reference->differing, 1, memory_order_relaxed);
    if (atomic_load_explicit(&reference->claimed, memory_order_relaxed) ||
        atomic_exchange_explicit(&reference->claimed, true, memory_order_relaxed))
        return;
    reference->worker = call->worker;
    reference->iteration = call->iteration;
    snprintf(reference->sentence, sizeof reference->sentence, "%s", sentence);
}

static void diverge_after_call(struct detector_call *call, PyObject *result, PyObject *raised)
{
    (void)raised;
    struct reference *reference = reference_of(call->role, call->step);
    if (call->serial || call->mutable || !result || !reference || !reference->usable ||
        (reference->image.size > LARGE_BYTES && call->iteration % LARGE_EVERY != 0))
        return;
    const struct image_inputs inputs = {call->watched, call->nwatched};
    char sentence[sizeof reference->sentence];
    enum image_verdict verdict = image_compare(&reference->image, result, &inputs, sentence, sizeof sentence);
    if (verdict == IMAGE_SAME || verdict == IMAGE_UNFIT)
        return;
    /* A damaged input gives wrong results, and has a finding of its own. */
    if (atomic_load_explicit(call->damaged, memory_order_relaxed))
        return;
    if (verdict == IMAGE_DIFFERENT)
        note_difference(reference, call, sentence);
    else
        atomic_store_explicit(&reference->close, true, memory_order_relaxed);
}

/* Sends the number of repetitions; the first difference was sent when it was confirmed. */
static void send_rest(struct reference *reference, struct detector_call *call)
{
    if (reference->confirmed &&
        atomic_load_explicit(&reference->differing, memory_order_relaxed) > reference->reported)
        send(reference, call, false);
    if (!reference->usable || !atomic_load_explicit(&reference->close, memory_order_relaxed))
        return;
    char text[1024];
    snprintf(text, sizeof text, "%s differs in its last bits under threads: no finding",
             reference->statement);
    RECORD_SEND(call->wire, RECORD_NOTE, .texts = {text});
}

static void diverge_finish(struct detector_call *call)
{
    each(send_rest, call);
}

const struct detector diverge_detector = {
    .id = DETECTOR_DIVERGE,
    .turn = 40,
    .after_call = diverge_after_call,
    .finish = diverge_finish,
};
