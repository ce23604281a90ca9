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

#include "base/prng.h"
#include "detectors/result/reference.h"

#define ROLES 64
#define STEPS 64
/* Least calls on one thread that must give the same result, before any worker and again after a difference. */
#define CALLS_LEAST 3
/* The one result of a reference may come from an object that threads have damaged before. */
#define STRIKES_MAX 3
#define LARGE_BYTES (64u << 10)
#define LARGE_EVERY 16

/* A statement, and the results that were seen of it. */
struct judged {
    const char *statement;       /* the plan's */
    unsigned learnt;             /* calls on one thread that gave the result of their reference */
    unsigned recalled;           /* likewise after a difference */
    bool refuted;                /* such a call gave another result */
    unsigned strikes;            /* times that this happened to a reference of one result */
    uint64_t calls;              /* of workers, with a result that was compared */
    bool compared;               /* workers compared, */
    bool usable;                 /* and still do */
    bool confirmed;              /* the finding is reported */
    char why[160];               /* it is not usable, or lacks some references */
    uint64_t reported;           /* differences */
    _Atomic bool claimed, close; /* close: at least once only the last bits differed */
    _Atomic uint64_t differing;
    uint16_t worker; /* from here on, of the first difference */
    uint64_t iteration;
    unsigned lane, sample;
    char sentence[640];
};

static struct judged *judged[ROLES][STEPS];
static bool allows_some; /* see diverge_begin */
static bool is_first;    /* the references are those of diverge_begin */

static struct judged *judged_of(unsigned role, unsigned step)
{
    return role < ROLES && step < STEPS ? judged[role][step] : NULL;
}

static void each(void (*act)(struct judged *, struct detector_call *), struct detector_call *call)
{
    for (unsigned role = 0; role < ROLES; role++)
        for (unsigned step = 0; step < STEPS; step++)
            if (judged[role][step])
                act(judged[role][step], call);
}

/* Calls on one thread */

int diverge_begin(unsigned lanes, unsigned samples, unsigned steps, bool some)
{
    allows_some = some;
    is_first = true;
    return references_begin(lanes, samples, steps);
}

int diverge_again(unsigned lanes, unsigned samples, unsigned steps)
{
    is_first = false;
    return references_begin(lanes, samples, steps);
}

static void explain(struct judged *of, const char *why)
{
    snprintf(of->why, sizeof of->why, "%.*s", (int)sizeof of->why - 1, why);
}

static void refute(struct judged *of, const char *why)
{
    of->refuted = true;
    explain(of, why);
}

static struct judged *new_judged(const struct diverge_step *at)
{
    struct judged *of = at->role < ROLES && at->step < STEPS ? calloc(1, sizeof *of) : NULL;
    if (of) {
        of->statement = at->statement;
        judged[at->role][at->step] = of;
    }
    return of;
}

/* Adds a result on one thread. Returns true if it agrees with the reference. */
static bool add_result(struct judged *of, const struct diverge_step *at, PyObject *result)
{
    char text[640];
    struct reference *reference = reference_at(at->lane, at->sample, at->step);
    if (!reference || of->refuted)
        return false;
    enum reference_verdict verdict = reference_add(reference, result, text, sizeof text);
    if (verdict == REFERENCE_CONTRADICTS || (verdict == REFERENCE_WITHOUT && !allows_some))
        refute(of, text);
    else if (verdict == REFERENCE_WITHOUT && !*of->why)
        explain(of, text);
    return verdict == REFERENCE_AGREES;
}

void diverge_learn(const struct diverge_step *at, PyObject *result)
{
    struct judged *of = judged_of(at->role, at->step);
    if (!of && is_first)
        of = new_judged(at);
    if (of)
        of->learnt += add_result(of, at, result);
}

static void settle_learnt(struct judged *of, struct detector_call *call)
{
    (void)call;
    of->compared = of->usable = !of->refuted && of->learnt >= CALLS_LEAST;
}

void diverge_learnt(void)
{
    each(settle_learnt, NULL);
}

bool diverge_compares(void)
{
    bool any = false;
    for (unsigned role = 0; role < ROLES; role++)
        for (unsigned step = 0; step < STEPS; step++)
            any |= judged[role][step] && judged[role][step]->usable;
    return any;
}

enum looked diverge_looks(unsigned role, unsigned step, const char **ret_why)
{
    const struct judged *of = judged_of(role, step);
    *ret_why = of && *of->why ? of->why : "too few calls were made on one thread";
    if (!of || !of->compared)
        return LOOKED_NOT;
    return of->usable ? LOOKED_YES : LOOKED_ENDED;
}

void diverge_count(unsigned role, unsigned step, uint64_t calls)
{
    struct judged *of = judged_of(role, step);
    if (of)
        of->calls += calls;
}

uint64_t diverge_counted(unsigned role, unsigned step)
{
    const struct judged *of = judged_of(role, step);
    return of ? of->calls : 0;
}

static bool is_uncertain(const struct judged *of)
{
    return of && of->usable && !of->confirmed && atomic_load_explicit(&of->claimed, memory_order_relaxed);
}

bool diverge_next_uncertain(unsigned *at, struct diverge_uncertain *ret)
{
    for (; *at < ROLES * STEPS; ++*at) {
        const struct judged *of = judged[*at / STEPS][*at % STEPS];
        if (!is_uncertain(of))
            continue;
        *ret = (struct diverge_uncertain){*at / STEPS, *at % STEPS, of->lane, of->sample};
        ++*at;
        return true;
    }
    return false;
}

void diverge_recall(const struct diverge_step *at, PyObject *result)
{
    struct judged *of = judged_of(at->role, at->step);
    if (is_uncertain(of) && of->lane == at->lane && of->sample == at->sample)
        of->recalled += add_result(of, at, result);
}

/* Findings */

static void send(struct judged *of, const struct detector_call *call, bool found)
{
    uint64_t count = atomic_load_explicit(&of->differing, memory_order_relaxed);
    struct detector_call first = *call;
    first.worker = of->worker;
    first.iteration = of->iteration;
    first.statement = of->statement;
    DETECTOR_SEND(&first, found, RECORD_DIVERGE,
                  .values = {[DIVERGE_COUNT] = (int64_t)(count - of->reported)}, .texts = {of->sentence});
    of->reported = count;
}

static void forget(struct judged *of, struct detector_call *call)
{
    (void)call;
    if (!is_uncertain(of))
        return;
    of->recalled = 0;
    atomic_store_explicit(&of->differing, 0, memory_order_relaxed);
    atomic_store_explicit(&of->claimed, false, memory_order_relaxed);
}

static void settle(struct judged *of, struct detector_call *call)
{
    if (!is_uncertain(of))
        return;
    of->confirmed = !of->refuted && of->recalled >= CALLS_LEAST;
    of->usable = of->confirmed;
    if (of->refuted && !is_first && of->strikes++ < STRIKES_MAX) {
        of->refuted = false;
        of->usable = true;
        forget(of, call);
    }
    if (of->confirmed)
        send(of, call, true);
}

void diverge_settle(struct detector_call *call)
{
    each(settle, call);
}

void diverge_forget(void)
{
    each(forget, NULL);
}

/* Workers */

static void note_difference(struct judged *of, const struct detector_call *call, const char *sentence)
{
    atomic_fetch_add_explicit(&of->differing, 1, memory_order_relaxed);
    if (atomic_load_explicit(&of->claimed, memory_order_relaxed) ||
        atomic_exchange_explicit(&of->claimed, true, memory_order_relaxed))
        return;
    of->worker = call->worker;
    of->iteration = call->iteration;
    of->lane = call->lane;
    of->sample = call->sample;
    snprintf(of->sentence, sizeof of->sentence, "%s", sentence);
}

/* Large results take longer to compare than most calls to make. */
static bool is_turn(const struct reference *reference, const struct detector_call *call)
{
    return reference->image.bytes &&
           (reference->image.size <= LARGE_BYTES || prng_mix(call->iteration) % LARGE_EVERY == 0);
}

static void diverge_after_call(struct detector_call *call, PyObject *result, PyObject *raised)
{
    (void)raised;
    struct judged *of = judged_of(call->role, call->step);
    if (call->serial || call->mutable || !result || !of || !of->usable)
        return;
    const struct reference *reference = reference_at(call->lane, call->sample, call->step);
    if (!reference || !is_turn(reference, call))
        return;
    call->compared[call->step]++;
    if (image_is_same(&reference->image, result))
        return;
    const struct image_inputs inputs = {call->watched, call->nwatched};
    char sentence[sizeof of->sentence];
    enum image_verdict verdict = image_compare(&reference->image, result, &inputs, sentence, sizeof sentence);
    if (verdict == IMAGE_SAME || verdict == IMAGE_UNFIT)
        return;
    /* A damaged input gives wrong results, and has a finding of its own. */
    if (atomic_load_explicit(call->damaged, memory_order_relaxed))
        return;
    if (verdict == IMAGE_DIFFERENT)
        note_difference(of, call, sentence);
    else
        atomic_store_explicit(&of->close, true, memory_order_relaxed);
}

/* Sends the number of repetitions; the first difference was sent when it was confirmed. */
static void send_rest(struct judged *of, struct detector_call *call)
{
    if (of->confirmed && atomic_load_explicit(&of->differing, memory_order_relaxed) > of->reported)
        send(of, call, false);
    if (!of->usable || !atomic_load_explicit(&of->close, memory_order_relaxed))
        return;
    char text[1024];
    snprintf(text, sizeof text, "%s differs in its last bits under threads: no finding", of->statement);
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
