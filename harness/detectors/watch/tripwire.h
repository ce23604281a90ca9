/* The tripwire: an input with its object header at the end of a writable page, and the rest behind it on read-only
 * pages. Reference counting works as usual; any other write faults at its instruction.
 *
 *     | ... PyObject | fields, dims, strides        | data ...      |
 *     |    writable  | read-only (metadata)         | read-only     |
 *
 * Contract. The owner of the inputs creates and releases regions, attached, while no worker is inside a call: the
 * child's main thread, and at the sharing level `private` every worker; a lock permits one at a time. The table that
 * the handler reads only grows; a slot is used again when its region is unmapped, and is free while its bounds change,
 * so that a handler sees both bounds of one region or skips it. The handler runs on the faulting thread: it records the
 * write in that thread's own buffer, opens the region, single-steps the instruction and closes the region. While one
 * thread steps, the region is open to all: another thread's write can then be missed, a thread's own never is.
 */
#pragma once

#include <Python.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/record.h"

#define TRIPWIRE_BYTES 16
#define TRIPWIRE_REGIONS 4096

struct watched;

struct tripwire_region {
    _Atomic(char *) start; /* first page; NULL: a free slot. The object begins just before `closed` */
    size_t size;
    _Atomic(char *) closed; /* first protected byte: the array's fields */
    size_t metadata_size;   /* pages of metadata */
    char *data;             /* pages of data, behind those */
    size_t data_size;
    _Atomic(char *) end; /* end of the data pages */
    bool data_open;      /* an output, or a target that writes in place: its data is not protected */
    bool retired;        /* unmap it when no other reference to its array is left */
    _Atomic int openers; /* threads that single-step inside it now */
};

/* One write, recorded by the handler. */
struct tripwire_hit {
    struct tripwire_region *region;
    char *address;
    uint8_t before[TRIPWIRE_BYTES], after[TRIPWIRE_BYTES];
    uint16_t nframes;
    uint64_t frames[RECORD_FRAMES];
};

/* Moves the watched array to a region of its own; watched->array becomes the twin in it, and the watched state follows.
 * Child main or worker, attached. Returns 0, -ENOMEM, or -ENOSPC when there are too many regions. */
int tripwire_place(struct watched *watched);

/* Takes the watch of a region up again, for an array that outlived the one that released it. Returns false for an array
 * that is in no region. Child main, attached. */
bool tripwire_resume(struct watched *watched);

/* For the harness's own repairs, while no thread is inside a call. */
void tripwire_open(struct tripwire_region *region);
void tripwire_close(struct tripwire_region *region);

/* Ends the watch of a region. It is unmapped later, when no other reference to its array is left. */
void tripwire_release(struct tripwire_region *region);

/* The region that has this address in its protected part, or NULL. Signal context. */
struct tripwire_region *tripwire_find(const char *address);

/* A free slot of the table; unmaps retired regions on the way. The caller holds the placement's lock, attached. Returns
 * NULL when the table is full or memory is out. */
struct tripwire_region *tripwire_take_slot(void);

/* The array object of a region. */
static inline PyObject *tripwire_twin(const struct tripwire_region *region)
{
    return (PyObject *)(void *)(region->closed - sizeof(PyObject));
}

/* Signal context. Return true if the signal was the tripwire's own and the thread may go on. */
bool tripwire_on_fault(siginfo_t *info, void *ucontext);
bool tripwire_on_trap(void *ucontext);

/* The calling thread's hits since the last call, at most TRIPWIRE_HITS. */
#define TRIPWIRE_HITS 64
struct tripwire_hits {
    unsigned n;
    bool is_cut; /* an instruction that none of them shows wrote, too */
    struct tripwire_hit hits[TRIPWIRE_HITS];
};
/* On success the buffer is this thread's until it ends. Returns NULL without memory. */
struct tripwire_hits *tripwire_hits(void);
