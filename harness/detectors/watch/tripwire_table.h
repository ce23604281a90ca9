/* The table of tripwire regions, which the placement fills and the signal handler reads. See tripwire.h for the
 * contract.
 */
#pragma once

#include "detectors/watch/tripwire.h"

/* The region that has this address in its protected part, or NULL. Signal context. */
struct tripwire_region *tripwire_find(const void *address);

/* A free slot of the table; unmaps retired regions on the way. The caller holds the placement's lock, attached. Returns
 * NULL when the table is full or memory is out. */
struct tripwire_region *tripwire_take_slot(void);

/* The array object of a region. */
static inline PyObject *tripwire_twin(const struct tripwire_region *region)
{
    return (PyObject *)(void *)(region->closed - sizeof(PyObject));
}
