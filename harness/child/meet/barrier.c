/* See barrier.h for the contract. */
#include "child/meet/barrier.h"

#include <linux/futex.h>
#include <limits.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/wire/landmarks.h"

#define SPINS 4000
/* A thread that sleeps needs tens of microseconds to wake; if no core is free, it comes later. */
#define MEET_SPINS 1500

#define COMES (UINT64_C(1) << 32)
#define ARRIVED(state) ((uint32_t)(state))
#define TOTAL(state) ((uint32_t)((state) >> 32))

void barrier_init(struct barrier *barrier, uint32_t total)
{
    barrier->cores = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    barrier->spins = total <= barrier->cores ? SPINS : 0;
    atomic_init(&barrier->state, total * COMES);
    atomic_init(&barrier->generation, 0);
    atomic_init(&barrier->awake, 0);
}

/* The step that makes the number of those that have arrived that of those that come. */
static void open_next(struct barrier *barrier, uint64_t state)
{
    /* Reset before the release: a thread that reads the new generation may arrive again. */
    atomic_store_explicit(&barrier->awake, 0, memory_order_relaxed);
    atomic_store_explicit(&barrier->state, TOTAL(state) * COMES, memory_order_relaxed);
    atomic_fetch_add_explicit(&barrier->generation, 1, memory_order_release);
    syscall(SYS_futex, &barrier->generation, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void barrier_wait(struct barrier *barrier)
{
    uint32_t generation = atomic_load_explicit(&barrier->generation, memory_order_acquire);
    uint64_t state = atomic_fetch_add_explicit(&barrier->state, 1, memory_order_acq_rel) + 1;
    if (ARRIVED(state) == TOTAL(state)) {
        open_next(barrier, state);
        return;
    }
    for (uint32_t i = 0; i < barrier->spins; i++) {
        if (atomic_load_explicit(&barrier->generation, memory_order_acquire) != generation)
            return;
        __builtin_ia32_pause();
    }
    while (atomic_load_explicit(&barrier->generation, memory_order_acquire) == generation)
        syscall(SYS_futex, &barrier->generation, FUTEX_WAIT_PRIVATE, generation, NULL, NULL, 0);
}
LANDMARK_IS(barrier_wait);

void barrier_meet(struct barrier *barrier)
{
    uint32_t total = TOTAL(atomic_load_explicit(&barrier->state, memory_order_relaxed));
    uint32_t wanted = total < barrier->cores ? total : barrier->cores;
    barrier_wait(barrier);
    atomic_fetch_add_explicit(&barrier->awake, 1, memory_order_relaxed);
    for (unsigned i = 0; i < MEET_SPINS; i++) {
        if (atomic_load_explicit(&barrier->awake, memory_order_relaxed) >= wanted)
            return;
        __builtin_ia32_pause();
    }
}

void barrier_leave(struct barrier *barrier)
{
    uint64_t state = atomic_fetch_sub_explicit(&barrier->state, COMES, memory_order_acq_rel) - COMES;
    if (TOTAL(state) > 0 && ARRIVED(state) == TOTAL(state))
        open_next(barrier, state);
}

bool barrier_lacks(struct barrier *barrier, uint32_t rest)
{
    uint64_t state = atomic_load_explicit(&barrier->state, memory_order_acquire);
    return ARRIVED(state) + rest >= TOTAL(state);
}
