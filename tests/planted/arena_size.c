/* Writes 8 bytes past its block, once: in glibc over the size field of the next block. Both blocks are never freed, so
 * that neither free nor malloc sees the damage. */
#include "planted_heap.h"

#include <pthread.h>

/* No multiple of 16, and not used elsewhere. */
enum { WORDS = 371, SIZE = WORDS * 8, CHUNK = SIZE + 8, TRIES = 64 };

static volatile uint64_t *blocks[TRIES];
static int last;

/* Allocates until a block lies right behind the one before. */
static void make_neighbours(void)
{
    blocks[0] = planted_hide(malloc(SIZE));
    for (last = 1; blocks[last - 1] && last < TRIES; last++) {
        blocks[last] = planted_hide(malloc(SIZE));
        if ((uintptr_t)blocks[last] == (uintptr_t)blocks[last - 1] + CHUNK)
            return;
    }
    last = 0;
}

static void fill(int words)
{
    make_neighbours();
    for (int i = 0; last && i < words; i++)
        blocks[last - 1][i] = PLANTED_WORD;
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
    for (int i = 0; last && i < WORDS; i++)
        (void)blocks[last - 1][i];
}

static void heap_bug(void)
{
    use(fill_too_much);
}

static void heap_twin(void)
{
    use(fill_exactly);
}

PLANTED_HEAP(arena_size)
