/* The table of tripwire regions; see tripwire.h. Everything that the signal handler calls here is async-signal-safe:
 * tripwire_find and tripwire_close. */
#include "detectors/watch/tripwire.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "detectors/common/array_api.h"

/* In no order: a run has a handful. No entry is ever removed: a released region is unmapped only when no thread can
 * fault in it any more, and its slot is used again. */
static struct tripwire_region *regions[TRIPWIRE_REGIONS];
static _Atomic unsigned nregions;

/* Runs in a handler while other threads fill slots: if the start is the same before and after, both bounds belong to
 * one region. */
struct tripwire_region *tripwire_find(const char *address)
{
    unsigned n = atomic_load_explicit(&nregions, memory_order_acquire);
    for (unsigned i = 0; i < n; i++) {
        char *start = atomic_load(&regions[i]->start);
        char *closed = atomic_load(&regions[i]->closed), *end = atomic_load(&regions[i]->end);
        if (start && address >= closed && address < end && atomic_load(&regions[i]->start) == start)
            return regions[i];
    }
    return NULL;
}

/* Unmaps a retired region once no other reference to its array is left: workers release a round's inputs when they
 * take the next. */
static bool reap(struct tripwire_region *region)
{
    if (!region->retired || Py_REFCNT(tripwire_twin(region)) > 1)
        return false;
    PyArrayObject_fields *fields = (PyArrayObject_fields *)(void *)tripwire_twin(region);
    PyObject *base = fields->base, *descr = (PyObject *)fields->descr;
    char *start = region->start;
    region->start = NULL;
    region->retired = false;
    munmap(start, region->size);
    Py_DECREF(base);
    Py_DECREF(descr);
    return true;
}

struct tripwire_region *tripwire_take_slot(void)
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

void tripwire_open(struct tripwire_region *region)
{
    atomic_fetch_add(&region->openers, 1);
    mprotect(region->closed, region->metadata_size + region->data_size, PROT_READ | PROT_WRITE);
}

void tripwire_close(struct tripwire_region *region)
{
    if (atomic_fetch_sub(&region->openers, 1) != 1)
        return;
    mprotect(region->closed, region->metadata_size, PROT_READ);
    if (!region->data_open)
        mprotect(region->data, region->data_size, PROT_READ);
}
