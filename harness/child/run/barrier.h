/* A futex barrier for native threads.
 *
 * Contract. Every one of `total` threads calls barrier_wait, DETACHED from Python: a thread that waits attached would
 * hang a stop-the-world collection. All memory written before the wait by any of them is visible to all after it. The
 * last to arrive opens the next generation and never sleeps; the others spin for a moment when there is a core for
 * each, so that they leave close together, and sleep on the generation otherwise. Reusable at once.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct barrier {
    uint32_t total;
    uint32_t spins;
    _Alignas(64) _Atomic uint32_t arrived;
    _Alignas(64) _Atomic uint32_t generation;
};

void barrier_init(struct barrier *barrier, uint32_t total);
void barrier_wait(struct barrier *barrier);
