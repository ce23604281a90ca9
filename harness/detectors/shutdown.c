/* The shutdown detector: what the calls made and is still there when Python has ended, by type and by site, and who
 * holds it. What was there before the first call, and what Python makes while it ends, does not count.
 *
 * Contract. Names are asked for while Python lives (finish); the rest runs after its end, on child main, while no other
 * thread runs, and calls nothing of Python's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/counted.h"
#include "core/violation.h"
#include "detectors/census.h"
#include "detectors/counting.h"
#include "detectors/held.h"
#include "detectors/holder.h"
#include "detectors/pyobject.h"
#include "detectors/refcount.h"
#include "heap/live.h"
#include "heap/trace.h"

/* Of the interpreter's own types, and of native blocks, so many at least, and one in so many calls: a few that calls
 * made once are caches of somebody. */
#define MANY 8
#define PART 200
#define SITES 8192 /* a power of two */
#define TELL_MAX 32
#define SAMPLE 3 /* objects of a type whose holders are looked for */

static struct census_row rows[CENSUS_TYPES];
static struct {
    const PyTypeObject *type;
    bool foreign;
    char name[128];
} names[CENSUS_TYPES];
static struct {
    uint64_t site;
    int64_t blocks, bytes;
} sites[SITES];
static unsigned nnames, told;
static int64_t immortal;         /* objects that became so in the calls */
static int64_t calls, all_calls; /* after the first ones; by workers */

static void shutdown_window(struct detector_call *call, const struct plan *plan,
                            const struct counting_window *window)
{
    (void)call;
    (void)plan;
    held_window(window);
    all_calls += (int64_t)window->calls;
    if (window->arm != ARM_CALLS || window->number > COUNTING_WARM_UP)
        calls += (int64_t)window->calls;
}

static void shutdown_finish(struct detector_call *call)
{
    struct census census = {.rows = rows};
    (void)call;
    census_take(&census);
    for (size_t i = 0; i < CENSUS_TYPES; i++) {
        if (!rows[i].type)
            continue;
        names[nnames].type = rows[i].type;
        names[nnames].foreign = census_type_name(rows[i].type, names[nnames].name, sizeof names[nnames].name);
        nnames++;
    }
}

/* Objects of one type that nobody keeps on purpose. */
struct sample {
    PyObject *objects[SAMPLE];
    unsigned n;
    int64_t kept; /* by the refcount detector */
};

static bool take_sample(void *context, PyObject *object)
{
    struct sample *sample = context;
    if (refcount_keeps(object))
        sample->kept++;
    else if (sample->n < SAMPLE)
        sample->objects[sample->n++] = object;
    return true;
}

/* The one that says most: a static, then a thread, then whatever there is. */
static void find_holder(const struct sample *sample, struct holder_path *best)
{
    *best = (struct holder_path){.holder = HOLDER_NOBODY};
    for (unsigned i = 0; i < sample->n; i++) {
        struct holder_path path;
        holder_find(sample->objects[i], &path);
        if (i == 0 || path.holder == HOLDER_STATIC)
            *best = path;
        if (path.holder == HOLDER_STATIC)
            return;
    }
}

static void send(int wire, struct record *record, const char *name, const char *holder, uint64_t site)
{
    uint64_t frames[VIOLATION_FRAMES];
    record->values[LEFT_IMMORTAL] = immortal;
    record_add_text(record, name);
    record_add_text(record, holder);
    record_add_frames(record, frames, trace_expand(site, frames, VIOLATION_FRAMES));
    record_send(record, wire);
    told++;
}

static void tell_type(int wire, const struct census_row *row, const char *name)
{
    struct sample sample = {.n = 0};
    struct holder_path path;
    struct record record;
    int64_t all = (int64_t)(row->live[EPOCH_FIRST] + row->live[EPOCH_CALLS]);
    enum epoch since = row->live[EPOCH_CALLS] > 0 ? EPOCH_CALLS : EPOCH_FIRST;
    census_visit(row->type, since, take_sample, &sample);
    if (all <= sample.kept || sample.n == 0)
        return;
    find_holder(&sample, &path);
    record_begin(&record, RECORD_LEFT, RECORD_MAIN);
    record.values[LEFT_OF] = SERIES_OBJECTS;
    record.values[LEFT_FIRST] = (int64_t)row->live[EPOCH_FIRST];
    record.values[LEFT_LATER] = (int64_t)row->live[EPOCH_CALLS];
    record.values[LEFT_CALLS] = calls;
    record.values[LEFT_HOLDER] = path.holder;
    record.values[LEFT_ADDRESS] = (int64_t)path.address;
    send(wire, &record, name, path.text, census_site_of(row->type, since));
}

static bool are_many(int64_t n)
{
    return n >= MANY && n * PART >= calls;
}

static void tell_types(int wire)
{
    struct census census = {.rows = rows};
    census_take(&census);
    for (size_t i = 0; i < CENSUS_TYPES; i++)
        immortal += (int64_t)rows[i].immortal[EPOCH_CALLS];
    for (unsigned i = 0; i < nnames && told < TELL_MAX; i++) {
        const struct census_row *row = census_row(&census, (PyTypeObject *)names[i].type);
        if (!row)
            continue;
        int64_t all = (int64_t)(row->live[EPOCH_FIRST] + row->live[EPOCH_CALLS]);
        if (names[i].foreign ? all > 0 : are_many((int64_t)row->live[EPOCH_CALLS]))
            tell_type(wire, row, names[i].name);
    }
}

/* Made inside a statement. */
static void count_block(void *context, const struct block *block)
{
    (void)context;
    if (block->worker == BLOCK_NOBODY || block->worker == BLOCK_SERIAL)
        return;
    size_t place = (size_t)((block->alloc_site * UINT64_C(0x9e3779b97f4a7c15)) >> 40) % SITES;
    for (size_t i = 0; i < SITES; i++, place = (place + 1) % SITES) {
        if (!sites[place].site)
            sites[place].site = block->alloc_site;
        if (sites[place].site != block->alloc_site)
            continue;
        sites[place].blocks++;
        sites[place].bytes += (int64_t)block->size;
        return;
    }
}

static void tell_sites(int wire)
{
    live_walk(count_block, NULL);
    for (size_t i = 0; i < SITES && told < TELL_MAX; i++) {
        struct record record;
        if (!are_many(sites[i].blocks))
            continue;
        record_begin(&record, RECORD_LEFT, RECORD_MAIN);
        record.values[LEFT_OF] = SERIES_SITE_BLOCKS;
        record.values[LEFT_LATER] = sites[i].blocks;
        record.values[LEFT_CALLS] = all_calls;
        record.values[LEFT_BYTES] = sites[i].bytes;
        send(wire, &record, "", "", sites[i].site);
    }
}

static void shutdown_after_end(int wire)
{
    tell_types(wire);
    tell_sites(wire);
}

static int shutdown_start(void)
{
    return census_is_on() ? 0 : -ENOTSUP;
}

const struct detector shutdown_detector = {
    .id = DETECTOR_SHUTDOWN,
    .start = shutdown_start,
    .begin = held_begin,
    .window = shutdown_window,
    .released = held_released,
    .finish = shutdown_finish,
    .after_end = shutdown_after_end,
};
