/* The tripwire detector: a call that writes to an input that it should only read, even for an instant.
 *
 * Contract. Workers judge their own hits after each call. A thread adds a site by a compare-and-swap on its hash, and
 * the table never shrinks. The thread that claims a site writes its other members before it is counted; the child's
 * main thread reads them when the workers have ended.
 *
 * If the effect of a write is still there after a serial call, the function writes in place: that is noted, and no bug.
 * If the call undoes the write before it returns, it is a hidden mutation, which one thread cannot see.
 */
#include "detectors/watch/tripwire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/foreign.h"
#include "base/text.h"
#include "detectors/common/array_api.h"
#include "detectors/common/detector.h"
#include "detectors/watch/watched.h"

#define SITES 256

/* Writes to an array object that do not mutate it, with the reason. */
static const struct benign {
    size_t offset, size;
    const char *reason;
} benign[] = {
    {offsetof(PyArrayObject_fields, weakreflist), sizeof(PyObject *),
     "the list of weak references, filled when one is taken; the interpreter guards it"},
    {offsetof(PyArrayObject_fields, _buffer_info), sizeof(void *),
     "the buffer description, filled lazily when a memoryview is taken"},
};

static const struct field {
    const char *name;
    size_t offset, size;
} fields[] = {
/* clang-format off */
#define FIELD(name) {#name, offsetof(PyArrayObject_fields, name), sizeof((PyArrayObject_fields *)0)->name}
    /* clang-format on */
    FIELD(data), FIELD(nd), FIELD(dimensions), FIELD(strides), FIELD(base), FIELD(descr), FIELD(flags),
#undef FIELD
};

struct site {
    _Atomic uint64_t hash;
    _Atomic uint64_t count;
    _Atomic bool ready;
    struct record record;
};

static struct site *sites;

static int tripwire_start(void)
{
#ifdef __x86_64__
    sites = calloc(SITES, sizeof *sites);
    return sites ? 0 : -ENOMEM;
#else
    return -ENOTSUP;
#endif
}

static size_t object_offset(const struct tripwire_hit *hit)
{
    return (size_t)(hit->address - hit->region->closed) + sizeof(PyObject);
}

static bool is_metadata(const struct tripwire_hit *hit)
{
    return hit->address < hit->region->data;
}

static bool is_benign(const struct tripwire_hit *hit)
{
    size_t offset = object_offset(hit);
    for (size_t i = 0; i < sizeof benign / sizeof *benign; i++)
        if (is_metadata(hit) && offset >= benign[i].offset && offset < benign[i].offset + benign[i].size)
            return true;
    return false;
}

/* The width of a write, from the bytes that changed. If none changed, it counts as a word. */
static size_t write_size(const struct tripwire_hit *hit, bool *ret_same)
{
    size_t size = 0;
    for (size_t i = 0; i < TRIPWIRE_BYTES; i++)
        if (hit->before[i] != hit->after[i])
            size = i + 1;
    *ret_same = size == 0;
    return size <= 4 ? 4 : size <= 8 ? 8 : TRIPWIRE_BYTES;
}

static int64_t word_of(const uint8_t *bytes)
{
    int64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* "shape[0]", "flags", "byte 16 of its data" */
static void name_place(const struct watched *watched, const struct tripwire_hit *hit, char *text, size_t size)
{
    const PyArrayObject_fields *object = (const PyArrayObject_fields *)(const void *)watched->array;
    const char *dims = (const char *)object->dimensions, *strides = (const char *)object->strides;
    size_t extent = (size_t)watched->nd * sizeof(npy_intp);
    if (!is_metadata(hit))
        snprintf(text, size, "byte %td of its data", hit->address - watched->low);
    else if (hit->address >= dims && hit->address < dims + extent)
        snprintf(text, size, "shape[%td]", (hit->address - dims) / (ptrdiff_t)sizeof(npy_intp));
    else if (hit->address >= strides && hit->address < strides + extent)
        snprintf(text, size, "strides[%td]", (hit->address - strides) / (ptrdiff_t)sizeof(npy_intp));
    else
        snprintf(text, size, "byte %zu of the array object", object_offset(hit));
    for (size_t i = 0; is_metadata(hit) && i < sizeof fields / sizeof *fields; i++)
        if (object_offset(hit) >= fields[i].offset && object_offset(hit) < fields[i].offset + fields[i].size)
            snprintf(text, size, "%s", fields[i].name);
}

static void print_bytes(const uint8_t *bytes, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++)
        sprintf(text + 2 * i, "%02x", bytes[i]);
}

static void describe(const struct watched *watched, const struct tripwire_hit *hit, struct record *record)
{
    char place[64], sentence[256], before[2 * TRIPWIRE_BYTES + 1] = "", after[2 * TRIPWIRE_BYTES + 1] = "";
    bool same;
    size_t size = write_size(hit, &same);
    name_place(watched, hit, place, sizeof place);
    if (same)
        snprintf(sentence, sizeof sentence, "%s is written with the value that it has", place);
    else if (is_metadata(hit))
        snprintf(sentence, sizeof sentence, "%s: %" PRId64 " -> %" PRId64, place, word_of(hit->before),
                 word_of(hit->after));
    else
        snprintf(sentence, sizeof sentence, "%s is written, %zu bytes", place, size);
    print_bytes(hit->before, size, before);
    print_bytes(hit->after, size, after);
    record->values[WRITE_OFFSET] =
        is_metadata(hit) ? (int64_t)object_offset(hit) : hit->address - watched->low;
    record->values[WRITE_SIZE] = (int64_t)size;
    record->values[WRITE_SAME] = same;
    record_add_text(record, sentence);
    record_add_text(record, before);
    record_add_text(record, after);
    record_add_frames(record, hit->frames, hit->nframes);
}

/* Returns true if the effect of the write is still there: compares with the bytes before the first write of this call.
 * A call that changed any data writes in place, even if some elements have their old values again, or the flags of the
 * array while it works; so does one that wrote data with the same value. */
static bool is_kept(const struct watched *watched, const struct tripwire_hits *hits, unsigned at)
{
    char text[64];
    bool same;
    const struct tripwire_hit *hit = &hits->hits[at], *first = hits->hits;
    while (first->address != hit->address)
        first++;
    size_t size = write_size(hit, &same);
    if ((!is_metadata(hit) && same) || watched_bytes_differ(watched, text, sizeof text))
        return true;
    return foreign_differs(hit->address, first->before, size);
}

static uint64_t add_hash(uint64_t hash, const char *text)
{
    for (; text && *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

/* A site without the input's name and the statement if the effect stays: such an instruction writes to any input. */
static uint64_t site_hash(const struct detector_call *call, const struct tripwire_hit *hit,
                          const struct watched *watched, bool kept)
{
    uint64_t h = hit->nframes ? hit->frames[0] : 0;
    h = (h ^ (is_metadata(hit) ? object_offset(hit) : 0)) * UINT64_C(0x9e3779b97f4a7c15);
    if (!kept)
        h = add_hash(add_hash(h, watched->name) + 1, call->statement);
    return (h << 2 | (unsigned)kept << 1) | 1;
}

/* Returns the site if this thread is its first; NULL if it was known (and is counted) or the table is full. */
static struct site *claim(const struct detector_call *call, uint64_t hash)
{
    for (int i = 0; i < SITES; i++) {
        uint64_t empty = 0;
        if (atomic_compare_exchange_strong(&sites[i].hash, &empty, hash))
            return &sites[i];
        if (empty == hash) {
            atomic_fetch_add_explicit(&sites[i].count, 1, memory_order_relaxed);
            return NULL;
        }
    }
    static atomic_flag noted = ATOMIC_FLAG_INIT;
    detector_note_once(
        call, &noted,
        "a child wrote to inputs at more than " AS_TEXT(SITES) " places; the later ones are not reported");
    return NULL;
}

static bool is_known(uint64_t hash)
{
    for (int i = 0; i < SITES && sites[i].hash; i++)
        if (sites[i].hash == hash)
            return true;
    return false;
}

static void report(struct detector_call *call, struct watched *watched, const struct tripwire_hit *hit,
                   bool kept)
{
    /* Another thread may undo a write in place, or may change bytes that a hidden mutation has just restored: the first
     * verdict about the site stays. */
    if (!kept && is_known(site_hash(call, hit, watched, true)))
        return;
    if (kept && !call->serial && is_known(site_hash(call, hit, watched, false)))
        kept = false;
    struct site *site = claim(call, site_hash(call, hit, watched, kept));
    if (!site)
        return;
    struct record *record = &site->record;
    record_begin(record, RECORD_WRITE, call->worker);
    record->iteration = (uint32_t)call->iteration;
    record->values[WRITE_METADATA] = is_metadata(hit);
    record->values[WRITE_KEPT] = kept;
    record->values[WRITE_SERIAL] = call->serial;
    record->values[WRITE_COUNT] = 1;
    record_add_text(record, watched->name);
    record_add_text(record, call->statement ? call->statement : "");
    describe(watched, hit, record);
    record_send(record, call->wire);
    site->ready = true;
    if (!kept && !record->values[WRITE_SAME]) /* a write of the same value is a note */
        atomic_fetch_add_explicit(call->findings, 1, memory_order_relaxed);
}

static void clear(struct tripwire_hits *hits)
{
    if (!hits)
        return;
    hits->n = 0;
    hits->is_cut = false;
}

static void tripwire_before_call(struct detector_call *call)
{
    (void)call;
    clear(tripwire_hits());
}

static void judge_hit(struct detector_call *call, struct tripwire_hits *hits, unsigned at)
{
    const struct tripwire_hit *hit = &hits->hits[at];
    for (unsigned i = 0; i < call->nwatched; i++) {
        struct watched *watched = &call->watched[i];
        if (watched->region != hit->region || is_benign(hit))
            continue;
        /* When threads change an object for good, one may seem to undo the write of another. */
        if (watched->loose && !call->serial)
            continue;
        bool kept = is_kept(watched, hits, at);
        report(call, watched, hit, kept);
        if (!kept || !call->serial)
            continue;
        if (is_metadata(hit))
            watched->mutable_metadata = true;
        else
            watched->mutable_data = true;
    }
}

static void tripwire_after_call(struct detector_call *call, PyObject *result, PyObject *raised)
{
    (void)result;
    (void)raised;
    struct tripwire_hits *hits = tripwire_hits();
    for (unsigned i = 0; hits && i < hits->n; i++)
        judge_hit(call, hits, i);
    static atomic_flag noted = ATOMIC_FLAG_INIT;
    if (hits && hits->is_cut)
        detector_note_once(call, &noted,
                           "a call wrote to inputs more than " AS_TEXT(
                               TRIPWIRE_HITS) " times; what it wrote later at other places is not reported");
    clear(hits);
}

/* Sends the number of repetitions of each site; its first write was sent at once. */
static void tripwire_finish(struct detector_call *call)
{
    for (int i = 0; i < SITES; i++) {
        if (!sites[i].ready || sites[i].count == 0)
            continue;
        sites[i].record.values[WRITE_COUNT] = (int64_t)sites[i].count;
        record_send(&sites[i].record, call->wire);
    }
}

const struct detector tripwire_detector = {
    .id = DETECTOR_TRIPWIRE,
    .turn = 10,
    .start = tripwire_start,
    .before_call = tripwire_before_call,
    .after_call = tripwire_after_call,
    .finish = tripwire_finish,
};
