/* Blocks between inaccessible pages: an access outside of the block traps at the instruction, is reported with its kind
 * and its frames, and the program goes on. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap/guard/paged.h"

static __attribute__((noinline)) void poke(char *at)
{
    *(volatile char *)at = 'P';
}

static __attribute__((noinline)) char peek(const char *at)
{
    return *(const volatile char *)at;
}

/* Makes a block at the end of its page (right), or at its start. */
static char *make_pushed(size_t size, bool right, uint64_t site)
{
    for (int i = 0; i < 2; i++) {
        char *at = make_at(size, site);
        MUST(is_paged(at));
        if (((uintptr_t)at % REGION_PAGE != 0) == right)
            return at;
    }
    guarded_fail(__FILE__, __LINE__, "a block on this side");
}

/* Traps */

/* clang-format off */
static const struct trap {
    enum violation_kind kind;
    bool right, freed, write;
    int64_t offset;
} traps[] = {
    {VIOLATION_AFTER, true, false, true, 64},
    {VIOLATION_AFTER, true, false, true, 64 + 4000},
    {VIOLATION_READ_AFTER, true, false, false, 64},
    {VIOLATION_AFTER, false, false, true, REGION_PAGE},
    {VIOLATION_BEFORE, false, false, true, -1},
    {VIOLATION_BEFORE, false, false, true, -4000},
    {VIOLATION_READ_BEFORE, false, false, false, -1},
    {VIOLATION_FREED_WRITE, true, true, true, 0},
    {VIOLATION_FREED_WRITE, false, true, true, 63},
    {VIOLATION_FREED_READ, true, true, false, 63},
    {VIOLATION_FREED_READ, false, true, false, 0},
};
/* clang-format on */

static void provoke(const struct trap *trap, unsigned number)
{
    char *at = make_pushed(64, trap->right, 0x3000 + number);
    memset(at, 'x', 64);
    if (trap->freed)
        drop(at);
    as_instruction = 0x5000 + number;
    if (trap->write)
        poke(at + trap->offset);
    else
        peek(at + trap->offset);
    MUST_EQUAL(nreports, number + 1);
    MUST_EQUAL(faults, number + 1);
    MUST_EQUAL(reports[number].kind, trap->kind);
    MUST_EQUAL(reports[number].found, FOUND_TRAP);
    MUST_EQUAL(reports[number].alloc_site, 0x3000 + number);
    MUST_EQUAL(reports[number].free_site, trap->freed ? SITE_FREED : 0);
    MUST_EQUAL(reports[number].here[0], 0x5000 + number);
    must_blame(&reports[number], at, 64, trap->offset, 0);
}

static void each_way_to_leave_a_block_traps_and_goes_on(void)
{
    start(256);
    for (unsigned i = 0; i < COUNT(traps); i++)
        provoke(&traps[i], i);
}

static void the_frames_are_those_of_the_instruction_and_the_block(void)
{
    start(16);
    char *at = make_pushed(64, true, (uint64_t)(uintptr_t)__builtin_return_address(0));
    poke(at + 64);
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_TRAP);
    MUST(violation->nfound > 2);
    MUST(violation->here[0] - (uintptr_t)poke < 256);
    MUST(violation->nalloc > 0);
    MUST_EQUAL(violation->alloc[0], (uintptr_t)__builtin_return_address(0));
}

static void a_trapped_access_is_completed(void)
{
    start(16);
    char *at = make_pushed(64, true, SITE_MADE);
    poke(at + 64);
    MUST_EQUAL(peek(at + 64), 'P');
    poke(at + 65);
    MUST_EQUAL(nreports, 1);
    MUST_EQUAL(faults, 1);
    drop(at);
    MUST_EQUAL(nreports, 1);
}

/* Freed memory is closed again when the block is made again, although it was opened once. */
static void a_block_that_trapped_is_closed_again(void)
{
    start(1);
    char *at = make_at(64, 0x3100);
    as_instruction = 0x5100;
    poke(at + 64);
    drop(at);
    as_instruction = 0x5200;
    poke(at);
    MUST_EQUAL(nreports, 2);
    at = make_at(64, 0x3200);
    MUST(is_paged(at));
    drop(at);
    as_instruction = 0x5300;
    MUST_EQUAL(peek(at) == 'P', false);
    MUST_EQUAL(nreports, 3);
    MUST_EQUAL(reports[2].kind, VIOLATION_FREED_READ);
    MUST_EQUAL(reports[2].alloc_site, 0x3200);
}

/* The page of a block on the left is open behind it: its canaries are checked. */
static void an_overrun_inside_the_page_is_seen_by_its_canary(void)
{
    start(16);
    char *freed = make_pushed(64, false, 0x3300), *scanned = make_pushed(64, false, 0x3400);
    scribble(freed + 64, 8);
    drop(freed);
    must_blame(reported_once(VIOLATION_AFTER, FOUND_FREE), freed, 64, 64, 8);
    scribble(scanned + 70, 1);
    checker_scan(FOUND_SCAN);
    MUST_EQUAL(nreports, 2);
    MUST_EQUAL(reports[1].kind, VIOLATION_AFTER);
    MUST_EQUAL(reports[1].found, FOUND_SCAN);
    MUST_EQUAL(reports[1].offset, 70);
    MUST_EQUAL(faults, 0);
    drop(scanned);
    MUST_EQUAL(nreports, 2);
}

static void an_underrun_inside_the_page_is_seen_by_its_canary(void)
{
    start(16);
    char *at = make_pushed(64, true, SITE_MADE);
    scribble(at - 8, 8);
    drop(at);
    must_blame(reported_once(VIOLATION_BEFORE, FOUND_FREE), at, 64, -8, 8);
}

static void misuse_of_a_block_between_pages_is_reported(void)
{
    start(16);
    char *at = make(100);
    guard_release(at + 4, BLOCK_MALLOC, 0x2100);
    guard_release(at, BLOCK_NEW, 0x2200);
    guard_release(at, BLOCK_MALLOC, 0x2300);
    MUST_EQUAL(nreports, 3);
    MUST_EQUAL(reports[0].kind, VIOLATION_INTERIOR_FREE);
    MUST_EQUAL(reports[1].kind, VIOLATION_MISMATCH);
    MUST_EQUAL(reports[2].kind, VIOLATION_DOUBLE_FREE);
    MUST_EQUAL(reports[2].free_site, 0x2200);
    MUST_EQUAL(faults, 0);
}

/* Runaways */

static __attribute__((noinline)) void run_away(char *at, ptrdiff_t step)
{
    for (;; at += step)
        *(volatile char *)at = 'R';
}

static void a_runaway_loop(ptrdiff_t step, enum violation_kind kind)
{
    start(64);
    char *all[16], *at = NULL;
    for (unsigned i = 0; i < COUNT(all); i++)
        all[i] = make(64);
    at = all[8];
    may_escape = true;
    if (!sigsetjmp(escape, 1))
        run_away(at, step);
    MUST_EQUAL(nreports, 1);
    MUST_EQUAL(reports[0].kind, kind);
    MUST_EQUAL(reports[0].address, (uintptr_t)at);
    MUST(faults <= 2 * REGION_UNIT / REGION_PAGE);
}

static void a_runaway_loop_is_not_opened_for_ever(void)
{
    a_runaway_loop(1, VIOLATION_AFTER);
}

static void a_runaway_loop_downwards_is_not_opened_for_ever(void)
{
    a_runaway_loop(-1, VIOLATION_BEFORE);
}

static void an_instruction_is_reported_once(void)
{
    start(16);
    char *first = make_pushed(64, true, SITE_MADE), *second = make_pushed(64, true, SITE_MADE);
    const uint64_t frames[] = {0x5000, 0x5001};
    MUST(guard_on_fault((uintptr_t)first + 64, true, frames, 2));
    MUST(!guard_on_fault((uintptr_t)second + 64, true, frames, 2));
    MUST_EQUAL(nreports, 1);
}

/* An overrun far out of the span before, which did not touch its own block's canary. */
static void the_first_bytes_of_a_span_have_no_owner(void)
{
    start(16);
    char *at = make(64);
    const uint64_t frames[] = {0x5000};
    MUST(!guard_on_fault((uintptr_t)span_of(at)->base, true, frames, 1));
    MUST(guard_on_fault((uintptr_t)span_of(at)->base + 64, true, frames, 1));
}

static void a_fault_outside_the_guard_is_not_handled(void)
{
    static char local[64];
    const uint64_t frames[] = {0x5000};
    handle_faults();
    MUST(!guard_on_fault((uintptr_t)local, true, frames, 1));
    guarded_start(DEFAULTS);
    char *slab = make(100);
    MUST(!guard_on_fault((uintptr_t)local, true, frames, 1));
    MUST(!guard_on_fault(0, true, frames, 1));
    MUST(!guard_on_fault((uintptr_t)slab + 100, true, frames, 1));
    MUST(!guard_on_fault((uintptr_t)region.heap + region.size - 8, true, frames, 1));
    MUST_EQUAL(nreports, 0);
}

/* Large blocks have such pages too. */
static void a_long_overrun_of_a_large_block_traps(void)
{
    guarded_start(DEFAULTS);
    handle_faults();
    char *at = make_at(100000, 0x3600), *end = at;
    while (end - span_of(at)->start < (ptrdiff_t)span_of(at)->slot_size)
        end += REGION_PAGE - (uintptr_t)end % REGION_PAGE;
    poke(end);
    must_blame(reported_once(VIOLATION_AFTER, FOUND_TRAP), at, 100000, end - at, 0);
    MUST_EQUAL(peek(end), 'P');
    drop(at);
    MUST_EQUAL(nreports, 1);
}

static void an_underrun_of_a_large_block_traps(void)
{
    guarded_start(DEFAULTS);
    handle_faults();
    char *at = make_at(100000, 0x3700);
    char *page = span_of(at)->start - 1;
    peek(page);
    must_blame(reported_once(VIOLATION_READ_BEFORE, FOUND_TRAP), at, 100000, page - at, 0);
}

/* Opened pages are closed for the next block. */
static void a_large_block_is_closed_again(void)
{
    guarded_start(DEFAULTS);
    handle_faults();
    char *at = make_at(100000, 0x3800), *page = span_of(at)->start - 1;
    as_instruction = 0x5500;
    poke(page);
    drop(at);
    for (int i = 0; i < 10; i++) {
        char *next = make_at(100000, 0x3900);
        if (span_of(next) == span_of(at)) {
            as_instruction = 0x5600;
            poke(page);
            MUST_EQUAL(nreports, 2);
            MUST_EQUAL(reports[1].alloc_site, 0x3900);
            return;
        }
        drop(next);
    }
    guarded_fail(__FILE__, __LINE__, "the span came back");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUARDED_TEST(each_way_to_leave_a_block_traps_and_goes_on),
        GUARDED_TEST(the_frames_are_those_of_the_instruction_and_the_block),
        GUARDED_TEST(a_trapped_access_is_completed),
        GUARDED_TEST(a_block_that_trapped_is_closed_again),
        GUARDED_TEST(an_overrun_inside_the_page_is_seen_by_its_canary),
        GUARDED_TEST(an_underrun_inside_the_page_is_seen_by_its_canary),
        GUARDED_TEST(misuse_of_a_block_between_pages_is_reported),
        GUARDED_TEST(a_runaway_loop_is_not_opened_for_ever),
        GUARDED_TEST(a_runaway_loop_downwards_is_not_opened_for_ever),
        GUARDED_TEST(an_instruction_is_reported_once),
        GUARDED_TEST(the_first_bytes_of_a_span_have_no_owner),
        GUARDED_TEST(a_fault_outside_the_guard_is_not_handled),
        GUARDED_TEST(a_long_overrun_of_a_large_block_traps),
        GUARDED_TEST(an_underrun_of_a_large_block_traps),
        GUARDED_TEST(a_large_block_is_closed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
