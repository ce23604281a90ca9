/* The shutdown detector: objects and blocks of the calls that are left when Python has ended, by type and by site, and
 * their holders. Objects from before the first call, and those that Python makes while it ends, do not count.
 *
 * Contract. The names of types are read before Python ends (finish); the rest runs after its end, on child main, while
 * no other thread runs, and calls no function of Python.
 */
#include <stdio.h>
#include <string.h>

#include "core/wire/counted.h"
#include "core/wire/violation.h"
#include "detectors/leak/census.h"
#include "detectors/common/counting.h"
#include "detectors/leak/held.h"
#include "detectors/leak/holder.h"
#include "detectors/leak/keyed.h"
#include "detectors/memory/pyobject.h"
#include "detectors/leak/refcount.h"
#include "heap/memory/region.h"
#include "heap/site/trace.h"

/* Types of the interpreter, and native blocks, are reported from MANY on and from one in PART calls on: a few that
 * calls made once are in some cache. */
#define MANY 8
#define PART 200
#define SITES 8192 /* a power of two */
#define SENT_MAX 32
#define SAMPLE 3 /* objects of a type for which holders are searched */

static struct census_row rows[CENSUS_TYPES];
static struct {
    const PyTypeObject *type;
    bool foreign;
    char name[128];
} names[CENSUS_TYPES];
static struct site {
    uint64_t site;
    int64_t first, parts[COUNTED_PARTS], bytes;
} sites[SITES];
/* The end of the iterations of each window, and its part. */
static struct {
    uint64_t end;
    int part;
} windows[COUNTED_ARMS * COUNTED_WINDOWS];
static unsigned nnames, nwindows, sent;
static int64_t immortal;             /* objects that became immortal in the calls */
static int64_t calls[COUNTED_PARTS]; /* after the first ones */

static void shutdown_window(struct detector_call *call, const struct counting_window *window)
{
    (void)call;
    held_window(window);
    if (window->number == 0 || nwindows == sizeof windows / sizeof *windows)
        return;
    int part = counting_part(window->number);
    windows[nwindows].end = window->iteration;
    windows[nwindows++].part = part;
    if (part >= 0)
        calls[part] += (int64_t)window->calls;
}

static int64_t sum(const int64_t *parts)
{
    int64_t n = 0;
    for (int i = 0; i < COUNTED_PARTS; i++)
        n += parts[i];
    return n;
}

static void shutdown_finish(struct detector_call *call)
{
    (void)call;
    census_take(rows, NULL);
    for (size_t i = 0; i < CENSUS_TYPES; i++) {
        if (!rows[i].type)
            continue;
        names[nnames].type = rows[i].type;
        names[nnames].foreign = census_type_name(rows[i].type, names[nnames].name, sizeof names[nnames].name);
        nnames++;
    }
}

/* Objects of one type, without those that the refcount detector holds. */
struct sample {
    PyObject *objects[SAMPLE];
    unsigned n;
    int64_t held; /* by the refcount detector */
};

static bool take_sample(void *context, PyObject *object)
{
    struct sample *sample = context;
    if (refcount_holds(object))
        sample->held++;
    else if (sample->n < SAMPLE)
        sample->objects[sample->n++] = object;
    return true;
}

/* Searches the holders of the samples: a static one, else that of the first. */
static void find_holder(const struct sample *sample, struct holder_path *best)
{
    *best = (struct holder_path){.holder = HOLDER_NOBODY};
    for (unsigned i = 0; i < sample->n; i++) {
        struct holder_path path;
        holder_find(sample->objects[i], false, &path);
        if (i == 0 || path.holder == HOLDER_STATIC)
            *best = path;
        if (path.holder == HOLDER_STATIC)
            return;
    }
}

static void send_left(int wire, struct record *record, const char *name, const char *holder, uint64_t site)
{
    uint64_t frames[VIOLATION_FRAMES];
    record->values[LEFT_IMMORTAL] = immortal;
    record_add_text(record, name);
    record_add_text(record, holder);
    record_add_frames(record, frames, trace_expand(site, frames, VIOLATION_FRAMES));
    record_send(record, wire);
    sent++;
}

/* The objects of a type from later calls, by part. Returns their sum. */
static int64_t live_parts(const struct census_row *row, int64_t *parts)
{
    for (int i = 0; i < COUNTED_PARTS; i++)
        parts[i] = (int64_t)row->live[EPOCH_CALLS + i];
    return sum(parts);
}

static void set_parts(struct record *record, int64_t first, const int64_t *parts)
{
    record->values[LEFT_FIRST] = first;
    memcpy(&record->values[LEFT_PARTS], parts, COUNTED_PARTS * sizeof *parts);
    memcpy(&record->values[LEFT_CALLS], calls, sizeof calls);
}

static void send_type(int wire, const struct census_row *row, const char *name)
{
    int64_t parts[COUNTED_PARTS], later = live_parts(row, parts);
    struct sample sample = {.n = 0};
    struct holder_path path;
    struct record record;
    enum epoch since = later > 0 ? EPOCH_CALLS : EPOCH_FIRST;
    census_visit(row->type, since, take_sample, &sample);
    if ((int64_t)row->live[EPOCH_FIRST] + later <= sample.held || sample.n == 0)
        return;
    find_holder(&sample, &path);
    record_begin(&record, RECORD_LEFT, RECORD_MAIN);
    record.values[LEFT_OF] = SERIES_OBJECTS;
    set_parts(&record, (int64_t)row->live[EPOCH_FIRST], parts);
    record.values[LEFT_HOLDER] = path.holder;
    record.values[LEFT_ADDRESS] = (int64_t)path.address;
    send_left(wire, &record, name, path.text, census_site_of(row->type, since));
}

static bool are_many(int64_t n)
{
    return n >= MANY && n * PART >= sum(calls);
}

/* Counts a block of CPython's object domain that holds no object. */
static void count_raw(const void *block, enum epoch epoch)
{
    uint64_t place = epoch >= EPOCH_FIRST && epoch < EPOCH_END ? addresses_site(block) : 0;
    struct site *site = place ? keyed_entry(sites, SITES, sizeof *sites, place) : NULL;
    if (!site)
        return;
    ++*(epoch == EPOCH_FIRST ? &site->first : &site->parts[epoch - EPOCH_CALLS]);
    site->bytes += (int64_t)addresses_size(block);
}

/* Frequent types first: the number of records is limited. */
static void send_types(int wire)
{
    census_take(rows, count_raw);
    for (size_t i = 0; i < CENSUS_TYPES && !census_mortal; i++)
        for (int part = 0; part < COUNTED_PARTS; part++)
            immortal += (int64_t)rows[i].immortal[EPOCH_CALLS + part];
    for (int many = 1; many >= 0; many--)
        for (unsigned i = 0; i < nnames && sent < SENT_MAX; i++) {
            const struct census_row *row = census_row(rows, (PyTypeObject *)names[i].type);
            int64_t parts[COUNTED_PARTS], later = row ? live_parts(row, parts) : 0;
            bool is_left = row && (later > 0 || row->live[EPOCH_FIRST] > 0);
            if (is_left && are_many(later) == many && (many || names[i].foreign))
                send_type(wire, row, names[i].name);
        }
}

/* Counts a block that a statement allocated. */
static void count_block(void *context, const struct block *block)
{
    (void)context;
    if (block->worker == BLOCK_NOBODY || block->worker == BLOCK_SERIAL)
        return;
    struct site *site = keyed_entry(sites, SITES, sizeof *sites, block->alloc_site);
    if (!site)
        return;
    unsigned window = 0;
    while (window < nwindows && block->iteration >= windows[window].end)
        window++;
    int part = window < nwindows ? windows[window].part : -1;
    ++*(part < 0 ? &site->first : &site->parts[part]);
    site->bytes += (int64_t)block->size;
}

static void send_sites(int wire)
{
    region_walk_live(count_block, NULL);
    for (size_t i = 0; i < SITES && sent < SENT_MAX; i++) {
        struct record record;
        if (!are_many(sum(sites[i].parts)))
            continue;
        record_begin(&record, RECORD_LEFT, RECORD_MAIN);
        record.values[LEFT_OF] = SERIES_SITE_BLOCKS;
        set_parts(&record, sites[i].first, sites[i].parts);
        record.values[LEFT_BYTES] = sites[i].bytes;
        send_left(wire, &record, "", "", sites[i].site);
    }
}

static void shutdown_after_end(int wire)
{
    send_types(wire);
    send_sites(wire);
}

const struct detector shutdown_detector = {
    .id = DETECTOR_SHUTDOWN,
    .turn = 100,
    .start = census_start,
    .begin_counting = held_begin,
    .window = shutdown_window,
    .released = held_released,
    .finish = shutdown_finish,
    .after_end = shutdown_after_end,
};
