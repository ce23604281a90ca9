/* A futex barrier for native threads.
 *
 * Contract. Every one of `total` threads calls barrier_wait, DETACHED from Python: a thread that waits attached would
 * hang a stop-the-world collection. Memory that any of them wrote before the wait is visible to all after it. The last
 * to arrive opens the next generation and never sleeps; the others spin for a moment if there is a core for each, so
 * that they leave close together, and then sleep on the generation. Reusable at once. A thread that comes no more
 * leaves instead: the barrier then opens without it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct barrier {
    uint32_t cores, spins;
    _Alignas(64) _Atomic uint64_t state; /* threads that have arrived; above, those that come */
    _Alignas(64) _Atomic uint32_t generation;
    _Atomic uint32_t awake; /* of this generation, in barrier_meet */
};

/* No thread is in the barrier. */
void barrier_init(struct barrier *barrier, uint32_t total);
void barrier_wait(struct barrier *barrier);

/* The same, and as many threads as there are cores go on at one moment. */
void barrier_meet(struct barrier *barrier);

/* Each thread once, in place of all its later waits. */
void barrier_leave(struct barrier *barrier);

/* Have all but `rest` threads arrived? */
bool barrier_lacks(struct barrier *barrier, uint32_t rest);
