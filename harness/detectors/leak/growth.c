/* The growth detector: memory that grows with the calls. Counts objects by type, native blocks by site, and the memory
 * of the process, at each window of each kind of calls, and sends the series that grew; the driver judges the curves.
 *
 * Contract. Child main, attached, while the workers are parked (counting.h). Counting uses static tables, so that it
 * does not add to the growth.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/resident.h"
#include "core/wire/counted.h"
#include "core/plan/plan.h"
#include "core/wire/violation.h"
#include "detectors/leak/census.h"
#include "detectors/common/counting.h"
#include "detectors/leak/held.h"
#include "detectors/leak/holder.h"
#include "detectors/leak/keyed.h"
#include "detectors/leak/mapped.h"
#include "detectors/leak/pointers.h"
#include "detectors/memory/pyobject.h"
#include "heap/guard/guard.h"
#include "heap/memory/region.h"
#include "heap/site/trace.h"

#define POINTS (COUNTED_WINDOWS + 1)
#define SITES 16384 /* a power of two */
/* Most series that are sent for one kind of calls: those that grew most. */
#define TOP_TYPES 48
#define TOP_SITES 48
/* Most types of modules, and of the interpreter, for which holders are searched; objects of each type; and the growth
 * from which on they are searched. */
#define HOLDER_TYPES 4
#define HOLDER_SAMPLE 4
#define HOLDER_LEAST 8
/* Allocation sites of which blocks are searched for pointers, and blocks of each. */
#define SAMPLED_SITES 8
#define SITE_SAMPLE 8

_Static_assert(POINTS == RECORD_POINTS, "a point for each window, and one before the first");

struct type_series {
    PyTypeObject *type;
    int64_t live[POINTS], immortal[POINTS];
};

struct site_series {
    uint64_t site;
    const char *allocator; /* " PyObject_Malloc", or "" for malloc and new */
    int64_t blocks[POINTS], bytes[POINTS];
};

static struct type_series types[CENSUS_TYPES];
static struct site_series sites[SITES];
static struct census_row rows[CENSUS_TYPES];
static int64_t totals[SERIES_KINDS][POINTS];
static unsigned point;

static void count_at(uint64_t site, size_t size, const char *allocator)
{
    struct site_series *series = site ? keyed_entry(sites, SITES, sizeof *sites, site) : NULL;
    if (!series)
        return;
    series->allocator = allocator;
    series->blocks[point]++;
    series->bytes[point] += (int64_t)size;
}

static void count_block(void *context, const struct block *block)
{
    (void)context;
    totals[SERIES_NATIVE_BYTES][point] += (int64_t)block->size;
    totals[SERIES_NATIVE_BLOCKS][point]++;
    count_at(block->alloc_site, block->size,
             block->kind == BLOCK_RAW ? " PyMem_Malloc or PyMem_RawMalloc" : "");
}

static void count_raw(const void *block, enum epoch epoch)
{
    (void)epoch;
    count_at(addresses_site(block), addresses_size(block), " PyObject_Malloc");
}

/* Immortal objects of a module count as live if the module made them immortal. */
static void count_immortal(const struct census_row *row, struct type_series *series)
{
    char name[192];
    int64_t n = 0;
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        n += (int64_t)row->immortal[epoch];
    if (!census_mortal)
        series->immortal[point] = n;
    else if (n > 0 && census_type_name(row->type, name, sizeof name))
        series->live[point] += n;
}

static void count_types(void)
{
    totals[SERIES_PYTHON_BLOCKS][point] = (int64_t)census_take(rows, count_raw);
    for (size_t i = 0; i < CENSUS_TYPES; i++) {
        if (!rows[i].type)
            continue;
        struct type_series *series = keyed_entry(types, CENSUS_TYPES, sizeof *types, (uintptr_t)rows[i].type);
        if (!series)
            continue;
        series->live[point] = census_live(&rows[i]);
        count_immortal(&rows[i], series);
    }
}

static void count_native(void)
{
    if (guard_is_on()) {
        region_walk_live(count_block, NULL);
        return;
    }
    struct mallinfo2 info = mallinfo2();
    totals[SERIES_NATIVE_BYTES][point] = (int64_t)(info.uordblks + info.hblkhd);
}

/* The growth after the first windows. */
static int64_t growth_of(const int64_t *points)
{
    return point > COUNTED_WARM_UP ? points[point] - points[COUNTED_WARM_UP] : 0;
}

struct search {
    struct holder_path path;
    uint64_t seen, every; /* objects; the holder of one in `every` is searched */
    unsigned searched;
};

/* Stops at the first path that leads to a module or a static, or at the first object without a holder. A cache of the
 * interpreter is the result only if no other holder is found. */
static bool search_holder(void *context, PyObject *object)
{
    struct search *search = context;
    struct holder_path path;
    Py_ssize_t references;
    if (search->seen++ % search->every != search->every / 2)
        return true;
    if (pyobject_references(object, &references) == PYOBJECT_IMMORTAL) {
        search->path.holder = HOLDER_IMMORTAL;
        return false;
    }
    holder_find(object, true, &path);
    if (search->searched == 0 || path.holder != HOLDER_INTERPRETER)
        search->path = path;
    bool leads = path.holder == HOLDER_MODULE || path.holder == HOLDER_STATIC;
    bool is_lost = path.holder == HOLDER_NOBODY && path.steps == 0;
    return !leads && !is_lost && ++search->searched < HOLDER_SAMPLE;
}

/* Finds the holder of objects of this type that the calls made. Each step of a path searches all memory, so that only
 * the types that grow most get here. */
static struct holder_path holder_of(const struct type_series *series, unsigned *left)
{
    struct search search = {.every = (uint64_t)(growth_of(series->live) / HOLDER_SAMPLE) + 1};
    if (*left == 0 || growth_of(series->live) < HOLDER_LEAST)
        return search.path;
    --*left;
    search.path.holder = HOLDER_NOBODY;
    census_visit(series->type, EPOCH_CALLS, search_holder, &search);
    if (search.path.holder == HOLDER_NOBODY && search.path.steps > 0)
        search.path.holder = HOLDER_OBJECT;
    return search.path;
}

static void send_series(const struct detector_call *call, enum counted_arm arm, enum series_of of,
                        const int64_t *points, int64_t immortal, const char *name,
                        const struct holder_path *path, uint64_t site)
{
    struct record record;
    uint64_t frames[VIOLATION_FRAMES];
    record_begin(&record, RECORD_SERIES, RECORD_MAIN);
    record.values[SERIES_ARM] = arm;
    record.values[SERIES_OF] = of;
    record.values[SERIES_NPOINTS] = point + 1;
    record.values[SERIES_IMMORTAL] = immortal;
    record.values[SERIES_HOLDER] = path ? path->holder : HOLDER_UNKNOWN;
    memcpy(&record.values[SERIES_POINTS], points, (point + 1) * sizeof *points);
    record_add_text(&record, name);
    record_add_text(&record, path ? path->text : "");
    record_add_frames(&record, frames, trace_expand(site, frames, VIOLATION_FRAMES));
    record_send(&record, call->wire);
}

static int by_type(const void *a, const void *b)
{
    const struct type_series *first = a, *second = b;
    int64_t one = growth_of(first->live) + growth_of(first->immortal);
    int64_t other = growth_of(second->live) + growth_of(second->immortal);
    return (one < other) - (one > other);
}

static int by_site(const void *a, const void *b)
{
    int64_t one = growth_of(((const struct site_series *)a)->bytes);
    int64_t other = growth_of(((const struct site_series *)b)->bytes);
    return (one < other) - (one > other);
}

/* Sorting destroys the hash table: it is emptied before the next kind of calls. */
static void send_types(const struct detector_call *call, enum counted_arm arm)
{
    char name[192];
    unsigned left[] = {HOLDER_TYPES, HOLDER_TYPES};
    qsort(types, CENSUS_TYPES, sizeof *types, by_type);
    for (unsigned i = 0; i < TOP_TYPES; i++) {
        const struct type_series *series = &types[i];
        int64_t immortal = growth_of(series->immortal);
        if (!series->type || (growth_of(series->live) <= 0 && immortal <= 0))
            continue;
        bool foreign = census_type_name(series->type, name, sizeof name);
        const struct holder_path path = holder_of(series, &left[foreign]);
        send_series(call, arm, SERIES_OBJECTS, series->live, immortal, name, &path,
                    census_site_of(series->type, EPOCH_CALLS));
    }
}

/* Blocks of the sites that grew most, some of each, hidden. */
static struct {
    uintptr_t blocks[SAMPLED_SITES * SITE_SAMPLE];
    uint64_t seen[SAMPLED_SITES];
    unsigned n[SAMPLED_SITES];
} sampled;

static void sample_block(void *context, const struct block *block)
{
    (void)context;
    for (unsigned i = 0; i < SAMPLED_SITES; i++) {
        uint64_t every = (uint64_t)growth_of(sites[i].blocks) / SITE_SAMPLE + 1;
        if (block->alloc_site == sites[i].site && growth_of(sites[i].blocks) >= HOLDER_LEAST &&
            sampled.seen[i]++ % every == every / 2 && sampled.n[i] < SITE_SAMPLE)
            sampled.blocks[i * SITE_SAMPLE + sampled.n[i]++] = pointers_hide(block_user(block));
    }
}

/* Marks the sites with blocks to most of which no pointer leads. */
static void find_lost(bool *ret_lost)
{
    uintptr_t blocks[SAMPLED_SITES * SITE_SAMPLE];
    int64_t counts[SAMPLED_SITES * SITE_SAMPLE];
    unsigned n = 0, at = 0;
    memset(&sampled, 0, sizeof sampled);
    if (guard_is_on())
        region_walk_live(sample_block, NULL);
    for (unsigned i = 0; i < SAMPLED_SITES; i++)
        for (unsigned k = 0; k < sampled.n[i]; k++)
            blocks[n++] = sampled.blocks[i * SITE_SAMPLE + k];
    if (n == 0 || !pointers_to_blocks(blocks, n, counts))
        return;
    for (unsigned i = 0; i < SAMPLED_SITES; i++) {
        unsigned lost = 0;
        for (unsigned k = 0; k < sampled.n[i]; k++)
            lost += counts[at++] == 0;
        ret_lost[i] = sampled.n[i] >= SITE_SAMPLE / 2 && 2 * lost > sampled.n[i];
    }
}

static void send_sites(const struct detector_call *call, enum counted_arm arm)
{
    char name[64];
    bool lost[TOP_SITES] = {false};
    const struct holder_path nobody = {.holder = HOLDER_NOBODY};
    qsort(sites, SITES, sizeof *sites, by_site);
    find_lost(lost);
    for (unsigned i = 0; i < TOP_SITES && growth_of(sites[i].bytes) > 0; i++) {
        snprintf(name, sizeof name, "%#llx%s", (unsigned long long)sites[i].site, sites[i].allocator);
        send_series(call, arm, SERIES_SITE_BYTES, sites[i].bytes, 0, name, lost[i] ? &nobody : NULL,
                    sites[i].site);
        send_series(call, arm, SERIES_SITE_BLOCKS, sites[i].blocks, 0, name, lost[i] ? &nobody : NULL,
                    sites[i].site);
    }
}

static void send_all(const struct detector_call *call, enum counted_arm arm)
{
    static const enum series_of whole[] = {SERIES_NATIVE_BYTES, SERIES_NATIVE_BLOCKS, SERIES_PYTHON_BLOCKS,
                                           SERIES_CODE_BYTES, SERIES_RESIDENT_BYTES};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        send_series(call, arm, whole[i], totals[whole[i]], 0, "", NULL, 0);
    send_types(call, arm);
    send_sites(call, arm);
}

static void growth_window(struct detector_call *call, const struct counting_window *window)
{
    held_window(window);
    point = window->number;
    if (point == 0) {
        memset(types, 0, sizeof types);
        memset(sites, 0, sizeof sites);
        memset(totals, 0, sizeof totals);
    }
    count_types();
    count_native();
    totals[SERIES_RESIDENT_BYTES][point] = (int64_t)resident_bytes(0);
    totals[SERIES_CODE_BYTES][point] = mapped_code(true);
    if (window->next == 0)
        send_all(call, window->arm);
}

const struct detector growth_detector = {
    .id = DETECTOR_GROWTH,
    .turn = 90,
    .start = census_start,
    .begin_counting = held_begin,
    .released = held_released,
    .window = growth_window,
};
