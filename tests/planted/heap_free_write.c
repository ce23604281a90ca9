/* A thread publishes its block, waits a moment and writes to it; a second thread that comes meanwhile frees the
 * block. Needs two threads inside: a single thread finds only its own block to free.
 *
 * One thread only takes a pointer out of `shared`, and frees it: no block is freed twice, even if malloc returns one
 * address to two threads in turn. */
#include "planted_heap.h"

enum { WORDS = 12, MIDDLE = 6 };

static _Atomic(uint64_t *) shared;

static void heap_bug(void)
{
    uint64_t *mine = malloc(WORDS * sizeof *mine);
    volatile uint64_t *kept = planted_hide(mine);
    if (!kept)
        return;
    free(atomic_exchange(&shared, mine));
    planted_spin();
    kept[MIDDLE] = PLANTED_WORD;
    if (atomic_compare_exchange_strong(&shared, &mine, NULL))
        free((void *)kept);
}

static void heap_twin(void)
{
    uint64_t *mine = malloc(WORDS * sizeof *mine);
    volatile uint64_t *kept = planted_hide(mine);
    if (!kept)
        return;
    atomic_exchange(&shared, mine);
    planted_spin();
    kept[MIDDLE] = PLANTED_WORD;
    atomic_compare_exchange_strong(&shared, &mine, NULL);
    free((void *)kept);
}

PLANTED_HEAP_CROWD(heap_free_write)
