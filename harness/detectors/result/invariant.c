/* The invariant detector: after a call, inputs are unchanged, and a result lies inside its buffer.
 *
 * A change that a serial call already makes is the purpose of the statement: the serial pass marks it (watched_learn),
 * and it is never a finding.
 */
#include "detectors/common/detector.h"

#include <stdio.h>
#include <string.h>

#include "detectors/common/array_api.h"
#include "detectors/watch/watched.h"

/* Bytes of inputs up to this size are compared after every call; larger ones after every round. */
#define SMALL_BYTES 1024

static _Atomic bool serial_extent;

static void report(struct detector_call *call, const char *name, const char *sentence)
{
    DETECTOR_SEND(call, !call->serial, RECORD_INVARIANT,
                  .values = {[INVARIANT_COUNT] = 1, [INVARIANT_SERIAL] = call->serial},
                  .texts = {name, sentence});
    if (!call->serial)
        atomic_store_explicit(call->damaged, true, memory_order_relaxed);
}

static void check_metadata(struct detector_call *call, struct watched *watched)
{
    char sentence[640];
    if (!watched->mutable_metadata && !watched->loose &&
        watched_metadata_differs(watched, sentence, sizeof sentence))
        report(call, watched->name, sentence);
}

static void check_bytes(struct detector_call *call, struct watched *watched)
{
    char sentence[128];
    if (!watched->loose && watched_data_differs(watched, sentence, sizeof sentence))
        report(call, watched->name, sentence);
}

static void extent_of(const struct detector_call *call, PyArrayObject *owner, char **low, size_t *size)
{
    for (unsigned i = 0; i < call->nwatched; i++) {
        const struct watched *watched = &call->watched[i];
        if (watched->array == (PyObject *)owner && !watched->mutable_metadata) {
            *low = watched->low;
            *size = watched->size;
            return;
        }
    }
    *size = watched_span(owner, low);
}

static void check_extent(struct detector_call *call, PyObject *result)
{
    if (!result || !array_api_has(result) || atomic_load_explicit(&serial_extent, memory_order_relaxed))
        return;
    PyArrayObject *array = (PyArrayObject *)result, *owner = array_api_owner(array);
    if (owner == array)
        return;
    char *low, *owner_low;
    size_t size = watched_span(array, &low), owner_size;
    extent_of(call, owner, &owner_low, &owner_size);
    if (size == 0 || (low >= owner_low && low + size <= owner_low + owner_size))
        return;
    if (call->serial)
        atomic_store_explicit(&serial_extent, true, memory_order_relaxed);
    char sentence[160];
    snprintf(sentence, sizeof sentence,
             "spans %zu bytes from byte %td of a buffer of %zu bytes: it lies outside its buffer", size,
             low - owner_low, owner_size);
    report(call, "the result", sentence);
}

static void invariant_after_call(struct detector_call *call, PyObject *result, PyObject *raised)
{
    (void)raised;
    for (unsigned i = 0; i < call->nwatched && !call->serial; i++) {
        check_metadata(call, &call->watched[i]);
        if (call->watched[i].size <= SMALL_BYTES)
            check_bytes(call, &call->watched[i]);
    }
    check_extent(call, result);
}

static void invariant_end_round(struct detector_call *call)
{
    for (unsigned i = 0; i < call->nwatched; i++) {
        check_metadata(call, &call->watched[i]);
        check_bytes(call, &call->watched[i]);
    }
}

const struct detector invariant_detector = {
    .id = DETECTOR_INVARIANT,
    .turn = 20,
    .after_call = invariant_after_call,
    .end_round = invariant_end_round,
};
