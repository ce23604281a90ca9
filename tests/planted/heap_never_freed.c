/* Writes 8 bytes behind a block that is never freed, once; from then on it only reads the block.
 * No free and no realloc checks the block. */
#include "planted_heap.h"

#include <pthread.h>

enum { WORDS = 5 };

static volatile uint64_t *block;

static void fill(int words)
{
    block = planted_hide(malloc(WORDS * sizeof *block));
    for (int i = 0; block && i < words; i++)
        block[i] = PLANTED_WORD;
}

static void fill_too_much(void)
{
    fill(WORDS + 1);
}

static void fill_exactly(void)
{
    fill(WORDS);
}

static void use(void (*make)(void))
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make);
    for (int i = 0; block && i < WORDS; i++)
        (void)block[i];
}

static void heap_bug(void)
{
    use(fill_too_much);
}

static void heap_twin(void)
{
    use(fill_exactly);
}

PLANTED_HEAP(heap_never_freed)
