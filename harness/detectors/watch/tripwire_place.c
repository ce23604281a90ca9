/* The placement of arrays in tripwire regions. See tripwire.h for the contract and the picture. */
#include "detectors/watch/tripwire.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "detectors/common/array_api.h"
#include "detectors/common/pycompat.h"
#include "detectors/watch/watched.h"

/* Held while a slot is chosen, filled or released: all workers place their private inputs at the same time. */
static PyMutex placing;

static size_t whole_pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
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

static void release_source(PyObject *capsule)
{
    Py_DECREF((PyObject *)PyCapsule_GetPointer(capsule, NULL));
}

/* Makes the twin from the source's fields. The WRITEABLE flag stays: without it, functions that need a writable array
 * would copy it, and their write would be missed. Steals `base`. */
static PyObject *make_twin(struct tripwire_region *region, PyArrayObject *source, PyObject *base,
                           struct watched *watched)
{
    PyObject *twin = tripwire_twin(region);
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
    fields->base = base;
    fields->weakreflist = NULL;
    Py_INCREF(fields->descr);
    watched->flags = fields->flags;
    watched->extents = fields->dimensions;
    return twin;
}

static int place(struct watched *watched)
{
    PyArrayObject *source = (PyArrayObject *)watched->array;
    struct tripwire_region *region = tripwire_take_slot();
    if (!region)
        return -ENOSPC;
    size_t fields = (size_t)Py_TYPE(source)->tp_basicsize + 64 + 2 * (size_t)watched->nd * sizeof(npy_intp);
    /* A capsule owns the source. With the array itself as base, NumPy would make it the base of every view of the
     * twin. */
    PyObject *base = PyCapsule_New(source, NULL, release_source);
    if (!base || map_region(region, whole_pages(fields), whole_pages(watched->size + 128)) < 0) {
        PyErr_Clear();
        if (base)
            PyCapsule_SetDestructor(base, NULL);
        Py_XDECREF(base);
        return -ENOMEM;
    }
    Py_INCREF(source);
    /* The copy has the same offset in a cache line, so that alignment and vector paths stay the same. */
    char *low = region->data + ((uintptr_t)watched->low & 63);
    watched->data += low - watched->low;
    watched->low = memcpy(low, watched->low, watched->size);
    /* One reference stays for good: the twin has no allocator that could free it. */
    PyObject *twin = Py_NewRef(make_twin(region, source, base, watched));
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

bool tripwire_resume(struct watched *watched)
{
    char *fields = (char *)watched->array + sizeof(PyObject);
    struct tripwire_region *region = tripwire_find(fields);
    if (!region || tripwire_twin(region) != watched->array)
        return false;
    PyMutex_Lock(&placing);
    tripwire_open(region);
    region->retired = false;
    region->data_open = watched->out || watched->mutable_data;
    watched->region = region;
    tripwire_close(region);
    PyMutex_Unlock(&placing);
    return true;
}

void tripwire_release(struct tripwire_region *region)
{
    PyMutex_Lock(&placing);
    region->data_open = true;
    mprotect(region->data, region->data_size, PROT_READ | PROT_WRITE);
    region->retired = true;
    PyMutex_Unlock(&placing);
}
