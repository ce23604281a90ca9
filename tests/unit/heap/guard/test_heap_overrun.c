/* The guard on one thread: each overrun and underrun is reported once, with the right block, bytes and time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap/guard/lone.h"

/* Overruns */

static void an_overrun_is_seen_when_the_block_is_freed(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100);
    make_others();
    scribble(at + 100, 5);
    drop(at);
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_FREE);
    must_blame(violation, at, 100, 100, 5);
    MUST_EQUAL(violation->nbytes, 5);
    MUST(memcmp(violation->bytes, "AAAAA", 5) == 0);
    MUST_EQUAL(violation->alloc_site, SITE_MADE);
    MUST_EQUAL(violation->free_site, SITE_FREED);
    must_blame(reported_once(VIOLATION_AFTER, FOUND_FREE), at, 100, 100, 5);
    drop(make(100));
    scan();
    MUST_EQUAL(nreports, 1);
}

static void an_overrun_is_seen_at_the_next_call(void)
{
    guarded_start(DEFAULTS);
    char *at = make(104);
    scribble(at + 104, 1);
    make(10);
    must_blame(reported_once(VIOLATION_AFTER, FOUND_CALL), at, 104, 104, 1);
    drop(at);
    scan();
    MUST_EQUAL(nreports, 1);
}

static void an_overrun_is_seen_by_a_scan(void)
{
    guarded_start(DEFAULTS);
    char *at = make(104);
    scribble(at + 110, 9);
    scan();
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_SCAN);
    must_blame(violation, at, 104, 110, 9);
    MUST_EQUAL(violation->free_site, 0);
    for (int i = 0; i < 3; i++)
        scan();
    drop(at);
    MUST_EQUAL(nreports, 1);
}

static void an_overrun_is_seen_at_a_crash(void)
{
    guarded_start(DEFAULTS);
    char *at = make(104);
    scribble(at + 104, 8);
    guard_scan_at_crash();
    must_blame(reported_once(VIOLATION_AFTER, FOUND_CRASH), at, 104, 104, 8);
}

/* Writes one byte behind blocks of all sizes: found by their free, and by a scan. */
static void one_byte_is_enough(void)
{
    guarded_start(DEFAULTS);
    unsigned n = 0;
    for (size_t size = 0; size < 200000 && n < 60; size += size / 5 + 1, n++) {
        char *at = make_at(size, 0x4000 + n);
        make_others();
        scribble(at + size, 1);
        if (n % 2)
            drop(at);
        else
            scan();
        MUST_EQUAL(nreports, n + 1);
        MUST_EQUAL(reports[n].kind, VIOLATION_AFTER);
        must_blame(&reports[n], at, size, (int64_t)size, 1);
    }
}

static void an_overrun_of_an_aligned_block_is_seen(void)
{
    guarded_start(DEFAULTS);
    char *at = guard_allocate(100, 512, BLOCK_MALLOC, false, SITE_MADE);
    make_others();
    scribble(at + 101, 7);
    drop(at);
    must_blame(reported_once(VIOLATION_AFTER, FOUND_FREE), at, 100, 101, 7);
}

/* Writes behind the checked bytes of the block, but in its slot: the next block there is not the culprit. */
static void a_write_far_behind_an_aligned_block_is_blamed_on_it(void)
{
    guarded_start((struct guard_settings){.quarantine = 4096});
    char *at = guard_allocate(10, 512, BLOCK_MALLOC, false, 0x7100);
    const struct span *span = region_find(at);
    const struct block *block = span_block(span, at);
    const char *start = block->start;
    char *end = block->start + span->slot_size;
    if (end - at > 10 + BLOCK_LOOK + 16)
        scribble(end - 12, 8);
    else
        scribble(block->start + 20, 8);
    drop(at);
    char *next = NULL;
    for (int i = 0; i < 1000 && (next = make_at(span->slot_size - 32, 0x7200)) != start + 16; i++)
        drop(next);
    MUST(next == start + 16);
    make_others();
    drop(next);
    for (unsigned i = 0; i < nreports; i++)
        MUST(reports[i].alloc_site != 0x7200);
}

static void an_overrun_of_a_large_block_is_seen(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100000);
    scribble(at + 100000, 4);
    scan();
    must_blame(reported_once(VIOLATION_AFTER, FOUND_SCAN), at, 100000, 100000, 4);
    drop(at);
    MUST_EQUAL(nreports, 1);
}

static void an_overrun_over_neighbours_is_blamed_on_its_block(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 200, 100);
    make_others();
    unsigned culprit = with_neighbours(&row, 5);
    char *at = row.at[culprit];
    scribble(at + 100, 3 * slot_size_of(at) + 40);
    scan();
    MUST_EQUAL(reports[0].kind, VIOLATION_AFTER);
    MUST_EQUAL(reports[0].address, (uintptr_t)at);
    MUST_EQUAL(reports[0].offset, 100);
    for (unsigned i = 0; i < row.n; i++)
        drop(row.at[i]);
    scan();
    MUST_EQUAL(nreports, 1);
}

/* Whichever of the damaged blocks is found first. */
static void an_overrun_is_blamed_on_its_block_when_a_neighbour_is_freed(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 200, 100);
    make_others();
    unsigned culprit = with_neighbours(&row, 5);
    char *at = row.at[culprit];
    scribble(at + 100, slot_size_of(at));
    drop(row.at[culprit + 1]);
    MUST_EQUAL(nreports, 1);
    MUST_EQUAL(reports[0].kind, VIOLATION_AFTER);
    MUST_EQUAL(reports[0].found, FOUND_FREE);
    MUST_EQUAL(reports[0].address, (uintptr_t)at);
    MUST_EQUAL(reports[0].offset, 100);
    drop(at);
    scan();
    MUST_EQUAL(nreports, 1);
}

static void an_overrun_over_freed_neighbours_is_blamed_on_its_block(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 200, 100);
    make_others();
    unsigned culprit = with_neighbours(&row, 5);
    char *at = row.at[culprit];
    for (unsigned i = 1; i <= 3; i++)
        drop(row.at[culprit + i]);
    scribble(at + 100, 3 * slot_size_of(at));
    scan();
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_SCAN);
    must_blame(violation, at, 100, 100, 3 * slot_size_of(at));
    MUST_EQUAL(violation->nbytes, VIOLATION_BYTES);
    drop(at);
    scan();
    MUST_EQUAL(nreports, 1);
}

/* The last block of its span, when the next span has blocks of the same size. */
static char *last_of_span(const struct row *row)
{
    for (unsigned i = 0; i < row->n; i++) {
        const struct span *span = region_find(row->at[i]), *next = region_find(span->base + span->length);
        const struct block *block = span_block(span, row->at[i]);
        if (block == &span->blocks[span->nslots - 1] && next && next->class == span->class &&
            span_carved(next) > 1)
            return row->at[i];
    }
    guarded_fail(__FILE__, __LINE__, "no last block");
}

static void an_overrun_into_the_next_span_is_blamed_on_its_block(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 300, 900);
    make_others();
    char *at = last_of_span(&row);
    const struct span *span = region_find(at);
    size_t length = (size_t)(span->base + span->length + SPAN_HEAD + BLOCK_HEAD - (at + 900));
    scribble(at + 900, length);
    scan();
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_SCAN);
    must_blame(violation, at, 900, 900, violation->length);
    for (unsigned i = 0; i < row.n; i++)
        drop(row.at[i]);
    scan();
    MUST_EQUAL(nreports, 1);
}

/* Underruns */

static void an_underrun_is_seen(void)
{
    static const enum violation_found ways[] = {FOUND_FREE, FOUND_SCAN};
    static struct row row;
    guarded_start(DEFAULTS);
    for (unsigned i = 0; i < COUNT(ways); i++) {
        make_row(&row, 50, 40);
        make_others();
        char *at = row.at[with_neighbours(&row, 1)];
        scribble(at - 8, 8);
        if (ways[i] == FOUND_SCAN)
            scan();
        drop(at);
        MUST_EQUAL(nreports, i + 1);
        MUST_EQUAL(reports[i].kind, VIOLATION_BEFORE);
        MUST_EQUAL(reports[i].found, ways[i]);
        must_blame(&reports[i], at, 40, -8, 8);
    }
}

static void an_underrun_in_the_first_slot_of_a_span_is_seen(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 40, 1500);
    make_others();
    char *at = row.at[0];
    MUST(region_find(at)->start + BLOCK_HEAD == at);
    scribble(at - BLOCK_HEAD - 24, BLOCK_HEAD + 24);
    scan();
    must_blame(reported_once(VIOLATION_BEFORE, FOUND_SCAN), at, 1500, -BLOCK_HEAD - 24, BLOCK_HEAD + 24);
    drop(at);
    scan();
    MUST_EQUAL(nreports, 1);
}

/* Writes past the block's own canary into the slack of the block before it. */
static void an_underrun_into_a_neighbour(enum violation_found found)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 100, 90);
    make_others();
    char *at = row.at[with_neighbours(&row, 1)];
    scribble(at - BLOCK_HEAD - 8, BLOCK_HEAD + 8);
    if (found == FOUND_SCAN)
        scan();
    else
        drop(at);
    must_blame(reported_once(VIOLATION_BEFORE, found), at, 90, -BLOCK_HEAD - 8, BLOCK_HEAD + 8);
    for (unsigned i = 0; i < row.n; i++)
        if (guard_size(row.at[i]))
            drop(row.at[i]);
    MUST_EQUAL(nreports, 1);
}

static void an_underrun_into_a_neighbour_is_blamed_on_its_block(void)
{
    an_underrun_into_a_neighbour(FOUND_SCAN);
}

static void an_underrun_into_a_neighbour_is_blamed_on_its_block_when_freed(void)
{
    an_underrun_into_a_neighbour(FOUND_FREE);
}

static void an_underrun_of_aligned_and_large_blocks_is_seen(void)
{
    guarded_start(DEFAULTS);
    char *aligned = guard_allocate(100, 1024, BLOCK_MALLOC, false, 0x5700), *large = make_at(200000, 0x5800);
    make_others();
    scribble(aligned - 20, 20);
    drop(aligned);
    MUST_EQUAL(nreports, 1);
    MUST_EQUAL(reports[0].kind, VIOLATION_BEFORE);
    must_blame(&reports[0], aligned, 100, -20, 20);
    scribble(large - 10, 3);
    drop(large);
    MUST_EQUAL(nreports, 2);
    MUST_EQUAL(reports[1].kind, VIOLATION_BEFORE);
    must_blame(&reports[1], large, 200000, -10, 3);
}

static void a_block_of_no_bytes_is_blamed_for_its_own_damage(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 30, 0);
    make_others();
    unsigned culprit = with_neighbours(&row, 1);
    scribble(row.at[culprit], 4);
    drop(row.at[culprit]);
    MUST_EQUAL(nreports, 1);
    MUST_EQUAL(reports[0].kind, VIOLATION_AFTER);
    must_blame(&reports[0], row.at[culprit], 0, 0, 4);
}

static void a_freed_block_of_no_bytes_is_blamed_for_its_own_damage(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 30, 0);
    make_row(&row, 30, 8);
    char *at = make(0);
    make_others();
    drop(at);
    scribble(at, 4);
    scan();
    MUST_EQUAL(nreports, 1);
    must_blame(&reports[0], at, 0, 0, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUARDED_TEST(an_overrun_is_seen_when_the_block_is_freed),
        GUARDED_TEST(an_overrun_is_seen_at_the_next_call),
        GUARDED_TEST(an_overrun_is_seen_by_a_scan),
        GUARDED_TEST(an_overrun_is_seen_at_a_crash),
        GUARDED_TEST(one_byte_is_enough),
        GUARDED_TEST(an_overrun_of_an_aligned_block_is_seen),
        GUARDED_TEST(a_write_far_behind_an_aligned_block_is_blamed_on_it),
        GUARDED_TEST(an_overrun_of_a_large_block_is_seen),
        GUARDED_TEST(an_overrun_over_neighbours_is_blamed_on_its_block),
        GUARDED_TEST(an_overrun_is_blamed_on_its_block_when_a_neighbour_is_freed),
        GUARDED_TEST(an_overrun_over_freed_neighbours_is_blamed_on_its_block),
        GUARDED_TEST(an_overrun_into_the_next_span_is_blamed_on_its_block),
        GUARDED_TEST(an_underrun_is_seen),
        GUARDED_TEST(an_underrun_in_the_first_slot_of_a_span_is_seen),
        GUARDED_TEST(an_underrun_into_a_neighbour_is_blamed_on_its_block),
        GUARDED_TEST(an_underrun_into_a_neighbour_is_blamed_on_its_block_when_freed),
        GUARDED_TEST(an_underrun_of_aligned_and_large_blocks_is_seen),
        GUARDED_TEST(a_block_of_no_bytes_is_blamed_for_its_own_damage),
        GUARDED_TEST(a_freed_block_of_no_bytes_is_blamed_for_its_own_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
