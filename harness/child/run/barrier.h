/* A futex barrier for native threads.
 *
 * Contract. Every one of `total` threads calls barrier_wait, DETACHED from Python: a thread that waits attached would
 * hang a stop-the-world collection. Memory that any of them wrote before the wait is visible to all after it. The last
 * to arrive opens the next generation and never sleeps; the others spin for a moment if there is a core for each, so
 * that they leave close together, and then sleep on the generation. Reusable at once.
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
