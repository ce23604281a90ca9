/* See census.h for the contract. The wrappers run on any thread, inside CPython's allocators: they take no lock and
 * allocate nothing from them. A block is recorded after its allocation, and removed before its release. */
#include "detectors/leak/census.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "core/wire/violation.h"
#include "detectors/leak/keyed.h"
#include "detectors/memory/guard.h"
#include "detectors/memory/pyobject.h"
#include "detectors/memory/readable.h"
#include "heap/guard/guard.h"
#include "heap/site/trace.h"

#define CALLER ((uint64_t)(uintptr_t)__builtin_return_address(0))

static PyMemAllocatorEx objects, memory; /* the allocators before */
bool census_mortal;
static bool wanted;
static _Atomic bool stacks;

void census_enable(bool on)
{
    wanted = on;
}

int census_start(void)
{
    return wanted ? 0 : -ENOTSUP;
}

static __attribute__((noinline)) void record_block(const void *block, size_t size, uint64_t caller)
{
    uint64_t frames[VIOLATION_FRAMES], site = 0;
    if (atomic_load_explicit(&stacks, memory_order_relaxed))
        site = trace_store(frames, trace_from(caller, frames, VIOLATION_FRAMES));
    addresses_add(block, size, site);
}

static void *object_malloc(void *context, size_t size)
{
    void *block = objects.malloc(context, size);
    if (block)
        record_block(block, size, CALLER);
    return block;
}

static void *object_calloc(void *context, size_t n, size_t size)
{
    void *block = objects.calloc(context, n, size);
    if (block)
        record_block(block, n * size, CALLER);
    return block;
}

static void *object_realloc(void *context, void *at, size_t size)
{
    size_t before = at ? addresses_size(at) : 0;
    if (at)
        addresses_remove(at);
    void *block = objects.realloc(context, at, size);
    if (block || at)
        record_block(block ? block : at, block ? size : before, CALLER);
    return block;
}

static void object_free(void *context, void *at)
{
    if (at)
        addresses_remove(at);
    objects.free(context, at);
}

void census_take_domains(void)
{
    if (!wanted)
        return;
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &objects);
    PyMemAllocatorEx counted = {objects.ctx, object_malloc, object_calloc, object_realloc, object_free};
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &counted);
    if (guard_is_on())
        guard_take_domain(PYMEM_DOMAIN_MEM, &memory);
}

void census_store_stacks(void)
{
    guard_store_stacks(true);
    atomic_store(&stacks, true);
}

struct census_row *census_row(struct census_row *rows, PyTypeObject *type)
{
    return keyed_entry(rows, CENSUS_TYPES, sizeof *rows, (uintptr_t)type);
}

struct count {
    struct census_row *rows;
    void (*visit_raw)(const void *block, enum epoch epoch);
    uint64_t blocks;
};

static void count_block(void *context, char *block, enum epoch epoch)
{
    struct count *count = context;
    PyObject *object = pyobject_in_block(block);
    Py_ssize_t references;
    count->blocks++;
    if (!object && count->visit_raw && !guard_owns(block)) /* the guard counts its own */
        count->visit_raw(block, epoch);
    struct census_row *row = object ? census_row(count->rows, Py_TYPE(object)) : NULL;
    if (!row)
        return;
    if (pyobject_references(object, &references) == PYOBJECT_IMMORTAL)
        row->immortal[epoch]++;
    else
        row->live[epoch]++;
}

uint64_t census_take(struct census_row *rows, void (*visit_raw)(const void *block, enum epoch epoch))
{
    struct count count = {.rows = rows, .visit_raw = visit_raw};
    memset(rows, 0, CENSUS_TYPES * sizeof *rows);
    readable_forget();
    pyobject_forget();
    addresses_walk(count_block, &count);
    return count.blocks;
}

int64_t census_live(const struct census_row *row)
{
    uint64_t n = 0;
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        n += row->live[epoch];
    return (int64_t)n;
}

struct search {
    const PyTypeObject *type;
    enum epoch since;
    bool (*visit)(void *context, PyObject *object);
    void *context;
    bool over;
};

static void visit_block(void *context, char *block, enum epoch epoch)
{
    struct search *search = context;
    if (search->over || epoch < search->since)
        return;
    PyObject *object = pyobject_in_block(block);
    if (object && Py_TYPE(object) == search->type)
        search->over = !search->visit(search->context, object);
}

void census_visit(const PyTypeObject *type, enum epoch since, bool (*visit)(void *context, PyObject *object),
                  void *context)
{
    struct search search = {type, since, visit, context, false};
    readable_forget();
    pyobject_forget();
    addresses_walk(visit_block, &search);
}
