/* The walker names each kind of damage. Each damage is done in a forked child. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/glibc.h"
#include "heap/arena/arena.h"
#include "damaged.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),     cmocka_unit_test(test_size),
        cmocka_unit_test(test_neighbour),    cmocka_unit_test(test_bins),
        cmocka_unit_test(test_single_links), cmocka_unit_test(test_top),
    };
    return cmocka_run_group_tests(tests, open_walker, NULL);
}
