/* The walker names each kind of damage, follows no wild pointer, and reports nothing about an intact heap.
 *
 * Each damage is done in a forked child, which then ends at once: nothing may allocate after it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/prng.h"
#include "base/glibc.h"
#include "heap/arena/arena.h"

#define SENTENCE 1024
#define THREADS 8
#define GOES 100000
#define LIVE 512
#define WALKS 1000

static struct arena_walker walker;

struct answer {
    unsigned n; /* violations */
    enum arena_fault fault;
    uintptr_t chunk, block;
    size_t size;
    char sentence[SENTENCE];
};

static void listen(void *context, const struct arena_violation *violation)
{
    struct answer *answer = context;
    if (answer->n++ == 0) {
        answer->fault = violation->fault;
        answer->chunk = violation->chunk;
        answer->block = violation->block;
        answer->size = violation->size;
    }
    size_t used = strlen(answer->sentence);
    arena_describe(violation, answer->sentence + used, SENTENCE - used);
}

/* Hides a block from the compiler, which may then not assume that no code writes to it after its free. */
static uint64_t *hide(void *block)
{
    __asm__ volatile("" : "+r"(block)::"memory");
    return block;
}

static uint64_t *get(size_t size)
{
    return hide(malloc(size));
}

/* Frees the block and returns it. */
static uint64_t *freed(uint64_t *block)
{
    uint64_t *same = hide(block);
    free(block);
    return same;
}

static uintptr_t chunk_of(const void *block)
{
    return (uintptr_t)block - 16;
}

/* Does the damage in a child, walks the heap, and returns the answer that the parent received. `damage` fills *expected
 * with the known answer. */
static int watch_damage(void (*damage)(struct answer *expected), struct answer *ret, struct answer *expected)
{
    int ends[2], status;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct answer answers[2] = {0};
        alarm(20);
        damage(&answers[1]);
        if (arena_check(&walker, listen, &answers[0]) < 0)
            _exit(2);
        _exit(write(ends[1], answers, sizeof answers) != sizeof answers);
    }
    close(ends[1]);
    struct answer answers[2] = {0};
    ssize_t n = read(ends[0], answers, sizeof answers);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (n == sizeof answers) {
        *ret = answers[0];
        *expected = answers[1];
    }
    return status;
}

static void assert_found(void (*damage)(struct answer *expected))
{
    struct answer got = {0}, expected = {0};
    assert_int_equal(watch_damage(damage, &got, &expected), 0);
    if (got.n != 1)
        fail_msg("%u violations: %s", got.n, got.sentence);
    assert_string_equal(got.sentence, expected.sentence);
    assert_int_equal(got.fault, expected.fault);
    assert_int_equal(got.chunk, expected.chunk);
}

/* The end of a sentence about bytes that look like text. */
static void add_bytes(char *sentence, const unsigned char *bytes, int n)
{
    char hex[3 * ARENA_BYTES + 1] = "", text[ARENA_BYTES + 1] = "";
    size_t used = strlen(sentence);
    for (int i = 0; i < n; i++) {
        snprintf(hex + (size_t)3 * i, 4, " %02x", bytes[i]);
        snprintf(text + i, 2, "%c", bytes[i] >= ' ' && bytes[i] < 127 ? bytes[i] : '.');
    }
    snprintf(sentence + used, SENTENCE - used, "; the bytes:%s \"%s\"", hex, text);
}

static void size_by_overflow(struct answer *expected)
{
    unsigned char *before = (unsigned char *)get(100);
    get(100);
    memset(hide(before), 'A', 112);
    *expected = (struct answer){.fault = ARENA_SIZE, .chunk = chunk_of(before) + 112};
    snprintf(
        expected->sentence, SENTENCE,
        "the size field of the chunk at %#lx holds 0x4141414141414141; the block before it, at %p with 104 "
        "bytes, ends there and was probably written past its end",
        expected->chunk, (void *)before);
    add_bytes(expected->sentence, before + 96, ARENA_BYTES);
}

/* A write with an index that is one too large: the next chunk gets an impossible size. */
static void size_zero(struct answer *expected)
{
    uint64_t *before = get(40);
    get(40);
    before[5] = 0;
    *expected = (struct answer){.fault = ARENA_SIZE, .chunk = chunk_of(before) + 48};
    snprintf(
        expected->sentence, SENTENCE,
        "the size field of the chunk at %#lx holds 0; the block before it, at %p with 40 bytes, ends there "
        "and was probably written past its end",
        expected->chunk, (void *)before);
}

/* The end of a string, one byte too far: overwrites only the flags. */
static void prev_inuse_cleared(struct answer *expected)
{
    uint64_t *before = get(0x100 - 8), *after = get(0x100 - 8);
    before[30] = 0;
    after[-1] &= ~UINT64_C(0xff);
    *expected = (struct answer){.fault = ARENA_PREV_SIZE, .chunk = chunk_of(after)};
    snprintf(
        expected->sentence, SENTENCE,
        "the header of the chunk at %#lx marks the block before it as free, with 0 bytes; that block, at "
        "%p, has 248 bytes: it was probably written to after it was freed, or past its end",
        expected->chunk, (void *)before);
}

/* Makes a free block that is too large for caches, between used ones. */
static uint64_t *get_freed(size_t size)
{
    get(size);
    uint64_t *block = get(size);
    get(size);
    return freed(block);
}

static void prev_size_overwritten(struct answer *expected)
{
    uint64_t *block = get_freed(0x800 - 8);
    block[0x800 / 8 - 2] = 5;
    *expected = (struct answer){.fault = ARENA_PREV_SIZE, .chunk = chunk_of(block) + 0x800};
    snprintf(
        expected->sentence, SENTENCE,
        "the header of the chunk at %#lx marks the block before it as free, with 0x5 bytes; that block, at "
        "%p, has 2040 bytes: it was probably written to after it was freed, or past its end",
        expected->chunk, (void *)block);
}

static void prev_inuse_set(struct answer *expected)
{
    uint64_t *block = get_freed(0x800 - 8);
    block[0x800 / 8 - 1] |= 1;
    *expected = (struct answer){.fault = ARENA_PREV_INUSE, .chunk = chunk_of(block) + 0x800};
    snprintf(expected->sentence, SENTENCE,
             "the size field of the chunk at %#lx holds 0x801, which marks the block before it as in use; "
             "that block, at %p with 2040 bytes, is in a list of free blocks",
             expected->chunk, (void *)block);
}

static void expect_link(struct answer *expected, enum arena_fault fault, const char *name, uint64_t *block,
                        size_t size)
{
    *expected = (struct answer){.fault = fault, .chunk = chunk_of(block)};
    snprintf(
        expected->sentence, SENTENCE,
        "the %s of the free chunk at %#lx holds 0x123; the block at %p with %zu bytes was probably written "
        "to after it was freed",
        name, expected->chunk, (void *)block, size);
}

static void unsorted_forward(struct answer *expected)
{
    uint64_t *block = get_freed(0x800 - 8);
    block[0] = 0x123;
    expect_link(expected, ARENA_FORWARD, "forward link", block, 0x800 - 8);
}

/* Links to a readable address with no free chunk. */
static void unsorted_forward_inside(struct answer *expected)
{
    uint64_t *used = get(2000), *block = get_freed(0x800 - 8);
    memset(used, 0, 2000);
    block[0] = (uintptr_t)used + 160;
    *expected = (struct answer){.fault = ARENA_FORWARD, .chunk = chunk_of(block)};
    snprintf(
        expected->sentence, SENTENCE,
        "the forward link of the free chunk at %#lx holds %#lx; the block at %p with 2040 bytes was probably "
        "written to after it was freed",
        expected->chunk, block[0], (void *)block);
}

static void unsorted_backward(struct answer *expected)
{
    uint64_t *block = get_freed(0x800 - 8);
    block[1] = 0x123;
    expect_link(expected, ARENA_BACKWARD, "backward link", block, 0x800 - 8);
}

/* An allocation that does not fit sorts the free block into its bin. */
static void large_next_size(struct answer *expected)
{
    uint64_t *block = get_freed(0x1000 - 8);
    get(0x8000);
    block[2] = 0x123;
    expect_link(expected, ARENA_NEXT_SIZE, "next-size link", block, 0x1000 - 8);
}

static void small_forward(struct answer *expected)
{
    uint64_t *blocks[16];
    for (int i = 0; i < 16; i++) {
        blocks[i] = get(0x200 - 8);
        get(16);
    }
    for (int i = 0; i < 16; i++)
        blocks[i] = freed(blocks[i]);
    get(0x8000);
    uint64_t *block = blocks[9];
    block[0] = 0x123;
    expect_link(expected, ARENA_FORWARD, "forward link", block, 0x200 - 8);
}

static void fastbin_link(struct answer *expected)
{
    uint64_t *blocks[12];
    for (int i = 0; i < 12; i++)
        blocks[i] = get(56);
    for (int i = 0; i < 12; i++)
        blocks[i] = freed(blocks[i]);
    uint64_t *block = blocks[9];
    block[0] = 0x123;
    expect_link(expected, ARENA_FASTBIN, "fastbin link", block, 56);
}

static void cache_link(struct answer *expected)
{
    uint64_t *blocks[3];
    for (int i = 0; i < 3; i++)
        blocks[i] = get(0x200 - 8);
    for (int i = 0; i < 3; i++)
        blocks[i] = freed(blocks[i]);
    uint64_t *block = blocks[1];
    block[0] = 0x123;
    expect_link(expected, ARENA_CACHE_LINK, "thread-cache link", block, 0x200 - 8);
}

/* The only block of its size: its link should be NULL. */
static void cache_last_link(struct answer *expected)
{
    uint64_t *block = freed(get(0x390 - 8));
    block[0] = 0x123;
    expect_link(expected, ARENA_CACHE_LINK, "thread-cache link", block, 0x390 - 8);
}

static void cache_mark(struct answer *expected)
{
    uint64_t *block = freed(get(0x390 - 8));
    block[1] = 0x123;
    expect_link(expected, ARENA_CACHE_KEY, "thread-cache mark", block, 0x390 - 8);
}

/* Another thread's cache, in another arena. It may not end: its end would free the cache. */
static void *use_cache(void *at)
{
    uint64_t *blocks[2] = {get(0x180 - 8), get(0x180 - 8)};
    free(blocks[0]);
    uint64_t *block = freed(blocks[1]);
    block[0] = 0x123;
    atomic_store((_Atomic uintptr_t *)at, (uintptr_t)block);
    pause();
    return NULL;
}

static void foreign_cache_link(struct answer *expected)
{
    pthread_t thread;
    _Atomic uintptr_t block = 0;
    pthread_create(&thread, NULL, use_cache, &block);
    while (!atomic_load(&block))
        usleep(1000);
    expect_link(expected, ARENA_CACHE_LINK, "thread-cache link", (uint64_t *)block, 0x180 - 8);
}

static void top_size(struct answer *expected)
{
    /* The last block lies before the top chunk, unless it came from a list. */
    uint64_t *block;
    do
        block = get(0x3000 - 8);
    while (((block[0x3000 / 8 - 1] & ~UINT64_C(7)) + (uintptr_t)block + 0x3000 - 16) % 4096 != 0);
    block[0x3000 / 8 - 1] = 0x40000001;
    *expected = (struct answer){.fault = ARENA_TOP, .chunk = chunk_of(block) + 0x3000};
    snprintf(
        expected->sentence, SENTENCE,
        "the size field of the top chunk at %#lx holds 0x40000001, which is not the rest of its heap; the "
        "block before it, at %p with 12280 bytes, ends there and was probably written past its end",
        expected->chunk, (void *)block);
}

static void test_size(void **state)
{
    (void)state;
    assert_found(size_by_overflow);
    assert_found(size_zero);
}

static void test_neighbour(void **state)
{
    (void)state;
    assert_found(prev_inuse_cleared);
    assert_found(prev_inuse_set);
    assert_found(prev_size_overwritten);
}

static void test_bins(void **state)
{
    (void)state;
    assert_found(unsorted_forward);
    assert_found(unsorted_forward_inside);
    assert_found(unsorted_backward);
    assert_found(large_next_size);
    assert_found(small_forward);
}

static void test_single_links(void **state)
{
    (void)state;
    assert_found(fastbin_link);
    assert_found(cache_link);
    assert_found(cache_last_link);
    assert_found(cache_mark);
    assert_found(foreign_cache_link);
}

static void test_top(void **state)
{
    (void)state;
    assert_found(top_size);
}

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

static void test_versions(void **state)
{
    char reason[128] = "";
    (void)state;
    assert_non_null(glibc_layout_find("2.36", reason, sizeof reason));
    assert_int_equal(glibc_layout_find("2.31", reason, sizeof reason)->heap_info, 32);
    assert_int_equal(glibc_layout_find("2.39", reason, sizeof reason)->heap_info, 48);
    assert_string_equal(reason, "");
    assert_null(glibc_layout_find("2.17", reason, sizeof reason));
    assert_string_equal(reason, "the heap layout of glibc 2.17 is not known here, only 2.30 to 2.42");
    assert_null(glibc_layout_find("3.0", reason, sizeof reason));
}

static int open_walker(void **state)
{
    char reason[256] = "";
    (void)state;
    if (arena_open(&walker, reason, sizeof reason) == 0)
        return 0;
    printf("skipped: %s\n", reason);
    fflush(stdout);
    _exit(77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),     cmocka_unit_test(test_size),
        cmocka_unit_test(test_neighbour),    cmocka_unit_test(test_bins),
        cmocka_unit_test(test_single_links), cmocka_unit_test(test_top),
        cmocka_unit_test(test_gaps),         cmocka_unit_test(test_trim),
        cmocka_unit_test(test_garbage),      cmocka_unit_test(test_sound_heaps),
        cmocka_unit_test(test_busy_thread),  cmocka_unit_test(test_heaps_of_an_arena),
    };
    return cmocka_run_group_tests(tests, open_walker, NULL);
}
