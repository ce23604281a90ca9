/* The guard on one thread: writes to freed blocks are reported once, and the quarantine holds blocks back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap/memory/pattern.h"
#include "heap/memory/thread.h"
#include "heap/guard/lone.h"

/* After free */

static void a_write_to_a_freed_block_is_seen_by_a_scan(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100);
    drop(at);
    scribble(at + 40, 8);
    scan();
    const struct violation *violation = reported_once(VIOLATION_FREED_WRITE, FOUND_SCAN);
    must_blame(violation, at, 100, 40, 8);
    MUST_EQUAL(violation->free_site, SITE_FREED);
    scan();
    MUST_EQUAL(nreports, 1);
}

static void a_write_to_a_freed_block_is_seen_when_its_slot_is_used_again(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100);
    drop(at);
    scribble(at + 99, 1);
    wait_for_slot(at, 100);
    must_blame(reported_once(VIOLATION_FREED_WRITE, FOUND_REUSE), at, 100, 99, 1);
    MUST_EQUAL(reports[0].alloc_site, SITE_MADE);
    drop(at);
    scan();
    MUST_EQUAL(nreports, 1);
}

static void a_write_to_a_freed_large_block_is_seen(void)
{
    guarded_start(DEFAULTS);
    char *at = make_at(100000, 0x6700);
    drop(at);
    scribble(at + 50, 5);
    wait_for_slot(at, 100000);
    must_blame(reported_once(VIOLATION_FREED_WRITE, FOUND_REUSE), at, 100000, 50, 5);
}

/* A reported block is not reported again, but the next block in its slot is. */
static void the_next_block_of_a_slot_is_reported_too(void)
{
    guarded_start(DEFAULTS);
    char *at = make_at(100, 0x6800);
    make_others();
    scribble(at + 100, 4);
    drop(at);
    wait_for_slot(at, 100);
    make_others();
    scribble(at + 100, 4);
    drop(at);
    MUST_EQUAL(nreports, 2);
    MUST_EQUAL(reports[0].alloc_site, 0x6800);
    MUST_EQUAL(reports[1].alloc_site, 0x6600);
}

static bool is_poison(const char *at, size_t from, size_t to)
{
    uint64_t word = pattern_of(span_block(region_find(at), at)->start);
    return !pattern_first_wrong(at + from, at + to, word);
}

static void freed_blocks_are_poisoned_at_their_ends(void)
{
    static const size_t sizes[] = {1, 100, 992, 3000, 60000, 100000};
    guarded_start(DEFAULTS);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *at = make(sizes[i]);
        memset(at, 'x', sizes[i]);
        drop(at);
        size_t start = sizes[i] < BLOCK_POISON ? sizes[i] : BLOCK_POISON;
        size_t end = sizes[i] < BLOCK_POISON_END ? 0 : sizes[i] - BLOCK_POISON_END;
        MUST(is_poison(at, 0, start));
        MUST(is_poison(at, end, sizes[i]));
    }
    must_be_silent();
}

static void whole_blocks_are_poisoned_on_request(void)
{
    static const size_t sizes[] = {1, 100, 992, 3000, 60000, 100000};
    guarded_start((struct guard_settings){.whole = true});
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *at = make(sizes[i]);
        memset(at, 'x', sizes[i]);
        drop(at);
        MUST(is_poison(at, 0, sizes[i]));
    }
    must_be_silent();
}

static void whole_poison_sees_a_write_in_the_middle(void)
{
    static const size_t sizes[] = {900, 3000, 60000, 100000};
    guarded_start((struct guard_settings){.whole = true});
    for (unsigned i = 0; i < COUNT(sizes); i++) {
        char *at = make_at(sizes[i], 0x6900 + i);
        memset(at, 'x', sizes[i]);
        drop(at);
        scribble(at + sizes[i] / 2 + 300, 3);
        scan();
        MUST_EQUAL(nreports, i + 1);
        MUST_EQUAL(reports[i].kind, VIOLATION_FREED_WRITE);
        must_blame(&reports[i], at, sizes[i], (int64_t)sizes[i] / 2 + 300, 3);
    }
}

/* Bytes of a slot that were never written are no damage. */
static void whole_poison_is_silent_with_new_slots(void)
{
    static const size_t sizes[] = {1500, 3000, 20000, 60000, 1400, 2900, 19000, 57400};
    guarded_start((struct guard_settings){.whole = true, .quarantine = 4096});
    for (int round = 0; round < 10; round++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            char *at = make(sizes[i]);
            memset(at, 'x', sizes[i]);
            make_others();
            drop(at);
            must_be_silent();
        }
}

/* Returns true if this slot is among the next ones. Keeps their blocks. */
static bool comes_back(const char *at, size_t size, unsigned n)
{
    bool came = false;
    for (unsigned i = 0; i < n; i++)
        came |= make_at(size, 0x6600) == at;
    return came;
}

/* Frees them in a row, so that no slot is used again; the largest first, because two blocks leave for each new one. */
static void the_quarantine_holds_blocks_back(void)
{
    static const size_t sizes[] = {30000, 3000, 100};
    static struct row row;
    guarded_start((struct guard_settings){.quarantine = 256 << 10});
    for (size_t i = 0; i < COUNT(sizes); i++) {
        make_row(&row, 4000, sizes[i]);
        unsigned held = (unsigned)((256 << 10) / (slot_size_of(row.at[0]) + 63)), at = 0;
        for (; at < held; at++)
            drop(row.at[at]);
        MUST(!comes_back(row.at[0], sizes[i], 200));
        for (; at < 3 * held; at++)
            drop(row.at[at]);
        MUST(comes_back(row.at[0], sizes[i], 4000));
    }
    must_be_silent();
}

/* Two blocks leave for each new one, but the quarantine stays below the hard limit. */
static void big_blocks_do_not_pile_up_behind_small_ones(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 2000, 8);
    for (unsigned i = 0; i < row.n; i++)
        drop(row.at[i]);
    make_row(&row, 500, 60000);
    for (unsigned i = 0; i < row.n; i++) {
        drop(row.at[i]);
        MUST(heap_thread->held <= 4 * thread_share + 61440 / 64);
    }
    must_be_silent();
}

/* More blocks than the ring has places, then blocks that make many of them leave. */
static void a_full_quarantine_gives_no_block_twice(void)
{
    enum { BLOCKS = 40000 };
    static char *all[BLOCKS];
    guarded_start((struct guard_settings){.quarantine = 1 << 20});
    for (int i = 0; i < BLOCKS; i++)
        all[i] = make(8);
    for (int i = 0; i < BLOCKS; i++) {
        drop(all[i]);
        if (i > 26000 && i % 500 == 0)
            drop(make(60000));
        MUST(heap_thread->last - heap_thread->first <= THREAD_QUARANTINE);
    }
    for (int i = 0; i < BLOCKS; i++)
        all[i] = make(8);
    qsort(all, BLOCKS, sizeof *all, compare);
    for (int i = 1; i < BLOCKS; i++)
        MUST(all[i - 1] != all[i]);
    must_be_silent();
}

/* A freed block keeps the description of its array, wherever its slot waits. */
static void a_freed_array_keeps_its_description(void)
{
    enum { BLOCKS = 6000 };
    static char *all[BLOCKS];
    guarded_start((struct guard_settings){.quarantine = 4096});
    for (int i = 0; i < BLOCKS; i++) {
        all[i] = make(80);
        guard_tag(all[i], (struct block_array){'f', 8, 1, 0});
    }
    for (int i = 0; i < BLOCKS; i++)
        drop(all[i]);
    for (int i = 0; i < BLOCKS; i += BLOCKS / 3) {
        unsigned before = nreports;
        scribble(all[i] + 8, 8);
        scan();
        MUST_EQUAL(nreports, before + 1);
        MUST_EQUAL(reports[before].array.type, 'f');
        MUST_EQUAL(reports[before].array.itemsize, 8);
        MUST_EQUAL(reports[before].array.ndim, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUARDED_TEST(a_write_to_a_freed_block_is_seen_by_a_scan),
        GUARDED_TEST(a_write_to_a_freed_block_is_seen_when_its_slot_is_used_again),
        GUARDED_TEST(a_write_to_a_freed_large_block_is_seen),
        GUARDED_TEST(the_next_block_of_a_slot_is_reported_too),
        GUARDED_TEST(freed_blocks_are_poisoned_at_their_ends),
        GUARDED_TEST(whole_blocks_are_poisoned_on_request),
        GUARDED_TEST(whole_poison_sees_a_write_in_the_middle),
        GUARDED_TEST(whole_poison_is_silent_with_new_slots),
        GUARDED_TEST(the_quarantine_holds_blocks_back),
        GUARDED_TEST(big_blocks_do_not_pile_up_behind_small_ones),
        GUARDED_TEST(a_full_quarantine_gives_no_block_twice),
        GUARDED_TEST(a_freed_array_keeps_its_description),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
