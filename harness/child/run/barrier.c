/* See barrier.h for the contract. */
#include "child/run/barrier.h"

#include <linux/futex.h>
#include <limits.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/wire/landmarks.h"

#define SPINS 4000

void barrier_init(struct barrier *barrier, uint32_t total)
{
    barrier->total = total;
    barrier->spins = (long)total <= sysconf(_SC_NPROCESSORS_ONLN) ? SPINS : 0;
    atomic_init(&barrier->arrived, 0);
    atomic_init(&barrier->generation, 0);
}

void barrier_wait(struct barrier *barrier)
{
    uint32_t generation = atomic_load_explicit(&barrier->generation, memory_order_acquire);
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) + 1 == barrier->total) {
        /* Reset before the release: a thread that reads the new generation may arrive again. */
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&barrier->generation, generation + 1, memory_order_release);
        syscall(SYS_futex, &barrier->generation, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
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
