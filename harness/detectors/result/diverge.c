/* The diverge detector: under threads a statement gives another result than on one thread.
 *
 * Contract. The functions of diverge.h create and judge reference results, on one thread, while no worker runs; workers
 * only read them, after a barrier. A worker counts each difference; the first one claims the reference with an exchange
 * and records the difference, which the main thread reads behind the barrier at the end of the round. Results of more
 * than 64 KiB are compared in one call of sixteen. An object that only this thread refers to is read right after its
 * call, in at most a fifth of the time; of others each worker keeps a few until the end of the round, where the main
 * thread reads them. Only these readings run Python code, or wait for more than the lock of a dict.
 */
#include "detectors/result/diverge.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
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
/* Time between two readings of objects, in times of the first one. */
#define READING_PAUSE 4
/* Results of each worker that are read at the end of the round. */
#define KEPT_WORKERS 64
#define KEPT 8

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

/* Results that other threads may refer to; each row is of one worker. */
static struct kept {
    PyObject *result;
    uint64_t iteration;
    unsigned role, step, lane, sample;
} kept[KEPT_WORKERS][KEPT];

static void keep(const struct detector_call *call, PyObject *result)
{
    for (unsigned i = 0; call->worker < KEPT_WORKERS && i < KEPT; i++)
        if (!kept[call->worker][i].result) {
            kept[call->worker][i] = (struct kept){Py_NewRef(result), call->iteration, call->role,
                                                  call->step,        call->lane,      call->sample};
            return;
        }
}

/* Large results take longer to compare than most calls to make. */
static bool is_turn(const struct reference *reference, const struct detector_call *call)
{
    return reference->image.bytes &&
           (reference->image.size <= LARGE_BYTES || prng_mix(call->iteration) % LARGE_EVERY == 0);
}

/* Returns the verdict. A damaged input gives wrong results, and has a finding of its own. */
static enum image_verdict judge(struct judged *of, const struct detector_call *call, PyObject *result,
                                const struct image_inputs *inputs, const struct image *image)
{
    char sentence[sizeof of->sentence];
    enum image_verdict verdict = image_compare(image, result, inputs, sentence, sizeof sentence);
    if (atomic_load_explicit(call->damaged, memory_order_relaxed))
        return verdict;
    if (verdict == IMAGE_DIFFERENT)
        note_difference(of, call, sentence);
    else if (verdict == IMAGE_CLOSE)
        atomic_store_explicit(&of->close, true, memory_order_relaxed);
    return verdict;
}

/* Reading an object takes longer than comparing plain data: pauses after it. */
static void read_result(struct judged *of, struct detector_call *call, PyObject *result,
                        const struct image *image)
{
    static _Thread_local uint64_t next;
    uint64_t began = clock_now();
    if (began < next)
        return;
    const struct image_inputs own = {call->watched, call->nwatched, IMAGE_READS_OWN, call->refs};
    if (judge(of, call, result, &own, image) == IMAGE_SHARED)
        keep(call, result);
    call->compared[call->step]++;
    uint64_t now = clock_now();
    next = now + READING_PAUSE * (now - began);
}

static void compare_result(struct judged *of, struct detector_call *call, PyObject *result,
                           const struct image *image)
{
    const struct image_inputs inputs = {.watched = call->watched, .n = call->nwatched};
    if (image->reads) {
        read_result(of, call, result, image);
        return;
    }
    call->compared[call->step]++;
    if (!image_is_same(image, result))
        judge(of, call, result, &inputs, image);
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
    compare_result(of, call, result, &reference->image);
}

/* Reads the results that workers kept, and drops them. */
static void diverge_end_round(struct detector_call *main_call)
{
    for (unsigned i = 0; i < KEPT_WORKERS * KEPT; i++) {
        struct kept *one = &kept[i / KEPT][i % KEPT];
        struct judged *of = one->result ? judged_of(one->role, one->step) : NULL;
        const struct reference *reference =
            of && of->usable ? reference_at(one->lane, one->sample, one->step) : NULL;
        struct detector_call call = *main_call;
        call.worker = (uint16_t)(i / KEPT);
        call.iteration = one->iteration;
        call.lane = one->lane;
        call.sample = one->sample;
        if (reference && reference->image.bytes && !call.mutable)
            judge(of, &call, one->result,
                  &(struct image_inputs){call.watched, call.nwatched, IMAGE_READS_LATER, 0},
                  &reference->image);
        Py_CLEAR(one->result);
    }
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
    .end_round = diverge_end_round,
    .finish = diverge_finish,
};
