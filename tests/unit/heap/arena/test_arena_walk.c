/* The walker follows no wild pointer, and reports nothing about an intact heap. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/prng.h"
#include "heap/arena/arena.h"
#include "damaged.h"

#define THREADS 8
#define GOES 100000
#define LIVE 512
#define WALKS 1000

/* Overwrites any word of a heap with any value: addresses, small numbers, random bits. The walker must return. */
static unsigned scribbles;

static void scribble(struct answer *expected)
{
    struct prng prng = prng_stream(1, scribbles);
    uint64_t *blocks[256];
    (void)expected;
    for (int i = 0; i < 256; i++)
        blocks[i] = get(prng_next(&prng) % 3000 + 16);
    for (int i = 0; i < 256; i += 2)
        free(blocks[i]);
    uint64_t *low = hide(blocks[0]);
    for (int i = 0; i < 256; i++) {
        uint64_t noise = prng_next(&prng), *at = low + prng_next(&prng) % 30000;
        uint64_t values[] = {noise,
                             noise % 4096,
                             (uintptr_t)low + noise % 100000 / 16 * 16,
                             (uintptr_t)&at,
                             0,
                             UINT64_C(0xfffffffffffffff1),
                             *at ^ 1,
                             *at + 16};
        *at = values[prng_next(&prng) % 8];
    }
}

static void test_garbage(void **state)
{
    unsigned found = 0;
    (void)state;
    for (; scribbles < 100; scribbles++) {
        struct answer got = {0}, expected;
        int status = watch_damage(scribble, &got, &expected);
        assert_false(WIFSIGNALED(status));
        found += got.n > 0;
    }
    assert_in_range(found, 90, 100);
}

/* Intact heaps */

struct churn {
    _Atomic bool stop;
    _Atomic unsigned idle;
    _Atomic uint64_t done;
    pthread_barrier_t barrier;
};

static size_t draw_size(struct prng *prng)
{
    switch (prng_next(prng) % 8) {
    case 0:
        return prng_next(prng) % 200000;
    case 1:
    case 2:
        return prng_next(prng) % 5000;
    default:
        return prng_next(prng) % 300;
    }
}

static void exchange(struct prng *prng, void **live)
{
    unsigned i = prng_next(prng) % LIVE;
    if (prng_next(prng) % 16 == 0) {
        live[i] = realloc(live[i], draw_size(prng) + 1);
        return;
    }
    free(live[i]);
    live[i] =
        prng_next(prng) % 16 ? malloc(draw_size(prng)) : aligned_alloc(64, draw_size(prng) / 64 * 64 + 64);
}

/* Works between the barriers, waits while the main thread walks. */
static void *churn_rounds(void *context)
{
    struct churn *churn = context;
    static _Atomic unsigned number;
    struct prng prng = prng_stream(2, atomic_fetch_add(&number, 1));
    void *live[LIVE] = {0};
    while (!atomic_load(&churn->stop)) {
        for (int i = 0; i < GOES / WALKS; i++)
            exchange(&prng, live);
        pthread_barrier_wait(&churn->barrier);
        pthread_barrier_wait(&churn->barrier);
    }
    for (int i = 0; i < LIVE; i++)
        free(live[i]);
    return NULL;
}

static void test_sound_heaps(void **state)
{
    struct churn churn = {0};
    struct answer answer = {0};
    pthread_t threads[THREADS];
    uint64_t chunks = 0;
    (void)state;
    pthread_barrier_init(&churn.barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn_rounds, &churn), 0);
    for (int i = 0; i < WALKS; i++) {
        pthread_barrier_wait(&churn.barrier);
        int64_t walked = arena_walk(&walker, listen, &answer);
        assert_true(walked > 0);
        chunks += (uint64_t)walked;
        atomic_store(&churn.stop, i == WALKS - 1);
        pthread_barrier_wait(&churn.barrier);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_string_equal(answer.sentence, "");
    assert_int_equal(answer.n, 0);
    assert_true(chunks > WALKS * THREADS * LIVE / 2);
    assert_true(walker.narenas > 2 && walker.ncaches > 0);
}

/* No thread waits: this breaks the contract, and still there may be no report. */
static void *churn_on(void *context)
{
    struct churn *churn = context;
    struct prng prng = prng_stream(3, 0);
    void *live[LIVE] = {0};
    while (!atomic_load(&churn->stop))
        exchange(&prng, live);
    for (int i = 0; i < LIVE; i++)
        free(live[i]);
    return NULL;
}

static void test_busy_thread(void **state)
{
    struct churn churn = {0};
    struct answer answer = {0};
    pthread_t threads[2];
    unsigned walked = 0;
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn_on, &churn), 0);
    for (int i = 0; i < WALKS; i++)
        walked += arena_check(&walker, listen, &answer) > 0;
    atomic_store(&churn.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_string_equal(answer.sentence, "");
    assert_true(walked > 0);
}

/* Another user of brk makes a gap in the main heap. */
static void move_break(struct answer *expected)
{
    (void)expected;
    (void)!sbrk(100000);
    for (int i = 0; i < 100; i++)
        get(20000);
}

/* No more memory by brk: glibc goes on with mmap. */
static void end_break(struct answer *expected)
{
    (void)expected;
    uintptr_t end = ((uintptr_t)sbrk(0) + 4095) & ~(uintptr_t)4095;
    (void)!sbrk((intptr_t)(end - (uintptr_t)sbrk(0)));
    void *wall = mmap((void *)(end + 65536), 4096, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (wall == MAP_FAILED)
        _exit(3);
    uint64_t *blocks[100];
    for (int i = 0; i < 100; i++)
        blocks[i] = get(20000);
    for (int i = 0; i < 100; i += 2)
        free(blocks[i]);
    get(30000);
}

static void test_gaps(void **state)
{
    struct answer got, expected;
    (void)state;
    assert_int_equal(watch_damage(move_break, &got, &expected), 0);
    assert_string_equal(got.sentence, "");
    assert_int_equal(watch_damage(end_break, &got, &expected), 0);
    assert_string_equal(got.sentence, "");
}

static void trim(struct answer *expected)
{
    uint64_t *blocks[1000];
    (void)expected;
    for (int i = 0; i < 1000; i++)
        blocks[i] = get(5000);
    for (int i = 0; i < 990; i++)
        free(blocks[i]);
    malloc_trim(0);
}

static void test_trim(void **state)
{
    struct answer got, expected;
    (void)state;
    assert_int_equal(watch_damage(trim, &got, &expected), 0);
    assert_string_equal(got.sentence, "");
}

/* More than one heap of 64 MiB in one arena. */
static void *fill_heaps(void *context)
{
    struct answer *answer = context;
    static uint64_t *blocks[1700];
    for (int i = 0; i < 1700; i++)
        blocks[i] = get(100000);
    for (int i = 0; i < 1700; i += 3)
        free(blocks[i]);
    assert_true(arena_walk(&walker, listen, answer) > 0);
    assert_true(walker.nheaps > walker.narenas + 1);
    for (int i = 0; i < 1700; i++)
        if (i % 3)
            free(blocks[i]);
    assert_true(arena_walk(&walker, listen, answer) > 0);
    return NULL;
}

static void test_heaps_of_an_arena(void **state)
{
    struct answer answer = {0};
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, fill_heaps, &answer), 0);
    pthread_join(thread, NULL);
    assert_string_equal(answer.sentence, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps),        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_garbage),     cmocka_unit_test(test_sound_heaps),
        cmocka_unit_test(test_busy_thread), cmocka_unit_test(test_heaps_of_an_arena),
    };
    return cmocka_run_group_tests(tests, open_walker, NULL);
}
