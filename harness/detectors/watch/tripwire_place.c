/* Where tripwired arrays lie. See tripwire.h for the contract and the picture. */
#include "detectors/watch/tripwire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "detectors/common/array_api.h"
#include "detectors/watch/watched.h"
#include "detectors/common/pycompat.h"

/* Sorted by nothing: a run has a handful. Entries are never taken out: a released region is unmapped only when nothing
 * can fault in it any more, and its slot is used again. */
static struct tripwire_region *regions[TRIPWIRE_REGIONS];
static _Atomic unsigned nregions;

/* Held while a slot is chosen, filled or given back: private inputs are placed by every worker, all at the same time.
 */
static PyMutex placing;

/* In a handler, while other threads fill slots: a region whose start is the same before and after has these bounds. */
static bool holds(struct tripwire_region *region, const char *address)
{
    char *start = atomic_load(&region->start);
    char *closed = atomic_load(&region->closed), *end = atomic_load(&region->end);
    return start && address >= closed && address < end && atomic_load(&region->start) == start;
}

struct tripwire_region *tripwire_find(const void *address)
{
    unsigned n = atomic_load_explicit(&nregions, memory_order_acquire);
    for (unsigned i = 0; i < n; i++) {
        if (holds(regions[i], address))
            return regions[i];
    }
    return NULL;
}

static size_t whole_pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

static PyObject *twin_of(const struct tripwire_region *region)
{
    return (PyObject *)(void *)(region->closed - sizeof(PyObject));
}

/* Unmaps a retired region that nobody refers to any more: workers let go of a round's inputs when they take the
 * next. */
static bool reap(struct tripwire_region *region)
{
    if (!region->retired || Py_REFCNT(twin_of(region)) > 1)
        return false;
    PyArrayObject_fields *fields = (PyArrayObject_fields *)(void *)twin_of(region);
    PyObject *base = fields->base, *descr = (PyObject *)fields->descr;
    char *start = region->start;
    region->start = NULL;
    region->retired = false;
    munmap(start, region->size);
    Py_DECREF(base);
    Py_DECREF(descr);
    return true;
}

/* A slot of the table whose region is gone, or a new one. */
static struct tripwire_region *new_region(void)
{
    unsigned n = atomic_load_explicit(&nregions, memory_order_relaxed);
    struct tripwire_region *found = NULL;
    for (unsigned i = 0; i < n; i++)
        if (!regions[i]->start || reap(regions[i]))
            found = regions[i];
    if (found || n == TRIPWIRE_REGIONS)
        return found;
    regions[n] = calloc(1, sizeof *regions[n]);
    if (!regions[n])
        return NULL;
    atomic_store_explicit(&nregions, n + 1, memory_order_release);
    return regions[n];
}

static int map_region(struct tripwire_region *region, size_t metadata, size_t data)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = page + metadata + data;
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return -ENOMEM;
    region->closed = at + page;
    region->metadata_size = metadata;
    region->data = region->closed + metadata;
    region->data_size = data;
    region->end = region->data + data;
    region->size = size;
    region->start = at;
    return 0;
}

/* The copy keeps the address's distance from a cache line, so that alignment and vector paths stay the same. */
static void move_data(struct watched *watched, struct tripwire_region *region)
{
    region->data_low = region->data + ((uintptr_t)watched->low & 63);
    ptrdiff_t shift = region->data_low - watched->low;
    memcpy(region->data_low, watched->low, watched->size);
    watched->data += shift;
    watched->low = region->data_low;
}

static void drop_source(PyObject *capsule)
{
    Py_DECREF((PyObject *)PyCapsule_GetPointer(capsule, NULL));
}

/* A capsule, not the array itself: NumPy would make the source the base of every view of the twin. */
static PyObject *keep_source(PyArrayObject *source)
{
    PyObject *capsule = PyCapsule_New(source, NULL, drop_source);
    if (capsule)
        Py_INCREF(source);
    return capsule;
}

/* The twin has the source's fields. WRITEABLE stays as it is: without it, functions that ask for a writable array copy
 * it, and their write would be missed. `keeper` is stolen. */
static PyObject *make_twin(struct tripwire_region *region, PyArrayObject *source, PyObject *keeper,
                           struct watched *watched)
{
    PyObject *twin = twin_of(region);
    size_t size = (size_t)Py_TYPE(source)->tp_basicsize - sizeof(PyObject);
    memcpy(region->closed, (char *)source + sizeof(PyObject), size);
    PyObject_Init(twin, Py_TYPE(source));
    PyArrayObject_fields *fields = (PyArrayObject_fields *)(void *)twin;
    char *extents = region->closed + (size + 63) / 64 * 64;
    fields->dimensions = (npy_intp *)(void *)extents;
    fields->strides = fields->dimensions + fields->nd;
    memcpy(fields->dimensions, watched->dims, (size_t)fields->nd * sizeof(npy_intp));
    memcpy(fields->strides, watched->strides, (size_t)fields->nd * sizeof(npy_intp));
    fields->data = watched->data;
    fields->flags &= ~NPY_ARRAY_OWNDATA;
    fields->base = keeper;
    fields->weakreflist = NULL;
    Py_INCREF(fields->descr);
    watched->flags = fields->flags;
    watched->extents = fields->dimensions;
    return twin;
}

static int place(struct watched *watched)
{
    PyArrayObject *source = (PyArrayObject *)watched->array;
    struct tripwire_region *region = new_region();
    if (!region)
        return -ENOSPC;
    size_t fields = (size_t)Py_TYPE(source)->tp_basicsize + 64 + 2 * (size_t)watched->nd * sizeof(npy_intp);
    int error = map_region(region, whole_pages(fields), whole_pages(watched->size + 128));
    if (error)
        return error;
    PyObject *keeper = keep_source(source);
    if (!keeper)
        return -ENOMEM;
    move_data(watched, region);
    /* One reference is ours for good: the twin has no allocator that could free it. */
    PyObject *twin = Py_NewRef(make_twin(region, source, keeper, watched));
    region->retired = false;
    region->data_open = watched->out || watched->mutable_data;
    Py_SETREF(watched->array, twin);
    watched->region = region;
    atomic_store(&region->openers, 1);
    tripwire_close(region);
    return 0;
}

int tripwire_place(struct watched *watched)
{
    PyMutex_Lock(&placing);
    int error = place(watched);
    PyMutex_Unlock(&placing);
    return error;
}

void tripwire_open_data(struct tripwire_region *region)
{
    region->data_open = true;
    mprotect(region->data, region->data_size, PROT_READ | PROT_WRITE);
}

void tripwire_release(struct tripwire_region *region)
{
    PyMutex_Lock(&placing);
    tripwire_open_data(region);
    region->retired = true;
    PyMutex_Unlock(&placing);
}
