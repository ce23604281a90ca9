/* See native.h for the contract. */
#include "heap/interpose/native.h"

#include <stdatomic.h>
#include <stdint.h>

#define TABLE 65536 /* a power of two */
#define PROBES 64
#define GONE ((uintptr_t)1)

static _Atomic uintptr_t table[TABLE];
static _Atomic bool overflowed;

static _Atomic uintptr_t *slot(const void *at, unsigned probe)
{
    uint64_t mixed = (uint64_t)(uintptr_t)at * UINT64_C(0x9e3779b97f4a7c15);
    return &table[((mixed >> 48) + probe) % TABLE];
}

void native_add(const void *at)
{
    for (unsigned i = 0; at && i < PROBES; i++) {
        uintptr_t there = atomic_load_explicit(slot(at, i), memory_order_relaxed);
        if (there <= GONE && atomic_compare_exchange_strong(slot(at, i), &there, (uintptr_t)at))
            return;
    }
    if (at)
        atomic_store(&overflowed, true);
}

bool native_remove(const void *at)
{
    for (unsigned i = 0; i < PROBES; i++) {
        uintptr_t there = atomic_load_explicit(slot(at, i), memory_order_relaxed);
        if (there == 0)
            return false;
        if (there == (uintptr_t)at)
            return atomic_compare_exchange_strong(slot(at, i), &there, GONE);
    }
    return false;
}

bool native_is_complete(void)
{
    return !atomic_load(&overflowed);
}
