/* Writes 8 bytes to a block after its free, once: in glibc over the link of the thread's cache. No other code allocates
 * blocks of this size, so that no malloc follows the link. */
#include "planted_heap.h"

#include <pthread.h>

enum { SIZE = 0x3e8 };

static void write_after_free(void)
{
    void *block = planted_hide(malloc(SIZE));
    volatile uint64_t *same = planted_hide(block);
    free(block);
    if (block)
        same[0] = PLANTED_WORD;
}

static void write_before_free(void)
{
    volatile uint64_t *block = planted_hide(malloc(SIZE));
    if (block)
        block[0] = PLANTED_WORD;
    free((void *)block);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void heap_bug(void)
{
    pthread_once(&once, write_after_free);
    planted_spin();
}

static void heap_twin(void)
{
    pthread_once(&once, write_before_free);
    planted_spin();
}

PLANTED_HEAP(arena_tcache)
