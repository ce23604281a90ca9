/* A detector in the child: one descriptor, called NAME_detector, and one row in core/plan/detector_list.h.
 *
 * Contract. `begin_round` and `end_round` run on the child's main thread, attached, while every worker waits at a
 * barrier. `before_call` and `after_call` run on the calling thread, attached, any number of them at once: their
 * data lie in the call's own memory or are atomic. No hook may wait, or call Python code that may; only the detector
 * diverge reads objects of the target.
 */
#pragma once

#include <Python.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/plan/detector_list.h"
#include "core/wire/record.h"

struct watched;

/* No lane or no sample: the result is not compared. */
#define DETECTOR_NO_SAMPLE UINT32_MAX

/* One thread's data about its current call; for that thread alone. */
struct detector_call {
    int wire;        /* descriptor for records; -1: standard error */
    uint16_t worker; /* RECORD_MAIN in the serial pass */
    bool serial;     /* no other thread runs */
    uint64_t iteration;
    unsigned role, step;     /* numbers of the statement in the plan */
    unsigned refs;           /* to a new result: of the caller, and of the name that it is assigned to */
    unsigned lane, sample;   /* the result is compared with that of one thread in the same lane and sample */
    const char *statement;   /* its source */
    struct watched *watched; /* the arrays that the statements of this thread use */
    unsigned nwatched;
    bool mutable;          /* the statements change shared Python objects when run serially */
    bool waits;            /* an exception is judged at the end of the round, after calls on one thread */
    _Atomic bool *damaged; /* set it when inputs are damaged: ends the round, and the inputs are built anew */
    _Atomic uint64_t *findings;
    uint64_t *compared; /* results that were compared, by step */
};

/* Sends, behind a finding, what else is known of its call; or NULL. */
extern void (*detector_explain)(const struct detector_call *call);

/* Sends a record of the call with these values and texts, and the statement as the last text. found: it shows the bug:
 *     DETECTOR_SEND(call, found, RECORD_INVARIANT, .values = {[INVARIANT_COUNT] = 1}, .texts = {name, sentence});
 */
#define DETECTOR_SEND(call, found, type, ...)                                                                \
    detector_send(call, found, type, &(struct record_content){__VA_ARGS__})
static inline void detector_send(const struct detector_call *call, bool found, enum record_type type,
                                 const struct record_content *content)
{
    struct record record;
    record_begin(&record, type, call->worker);
    record.iteration = (uint32_t)call->iteration;
    memcpy(record.values, content->values, sizeof record.values);
    for (const char *const *text = content->texts; *text; text++)
        record_add_text(&record, *text);
    record_add_text(&record, call->statement ? call->statement : "");
    record_send(&record, call->wire);
    if (!found)
        return;
    atomic_fetch_add_explicit(call->findings, 1, memory_order_relaxed);
    if (detector_explain)
        detector_explain(call);
}

/* Sends a note once: a table of the detector is full, and what comes later is not reported. */
static inline void detector_note_once(const struct detector_call *call, atomic_flag *sent,
                                      const char *sentence)
{
    if (!atomic_flag_test_and_set(sent))
        RECORD_SEND(call->wire, RECORD_NOTE, .texts = {sentence});
}

struct counting_window;

struct detector {
    enum detector_id id;
    int turn; /* hooks run in this order: exact detectors before those that infer */
    /* Returns 0 or -errno; -ENOTSUP switches the detector off with a note. */
    int (*start)(void);
    /* Why it cannot start, one sentence. May be NULL. */
    const char *(*excuse)(void);
    void (*before_call)(struct detector_call *call);
    /* result: borrowed; NULL if the statement has none or raised. raised: borrowed exception or NULL. */
    void (*after_call)(struct detector_call *call, PyObject *result, PyObject *raised);
    void (*end_round)(struct detector_call *call);
    void (*finish)(struct detector_call *call);
    /* counting.h */
    void (*begin_counting)(struct detector_call *call, const struct counting_window *window);
    void (*window)(struct detector_call *call, const struct counting_window *window);
    void (*released)(struct detector_call *call);
    /* Runs after Python has ended: may read objects that are left, but call no function of Python. */
    void (*after_end)(int wire);
};

#define DETECTOR_DECLARE(id, name, ...) extern const struct detector name##_detector;
#define DETECTOR_NO_CHILD(...)
DETECTOR_LIST(DETECTOR_DECLARE, DETECTOR_NO_CHILD)
