/* The choice of the blocks that lie between inaccessible pages: how many, by which rule, on which side of their page.
 * Their contents are intact. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>

#include "heap/guard/paged.h"

static void the_number_of_blocks_is_limited(void)
{
    char *all[20];
    unsigned paged = 0;
    start(5);
    for (unsigned i = 0; i < COUNT(all); i++)
        paged += is_paged(all[i] = make(100));
    MUST_EQUAL(paged, 5);
    for (unsigned i = 0; i < COUNT(all); i++)
        drop(all[i]);
    paged = 0;
    for (unsigned i = 0; i < COUNT(all); i++)
        paged += is_paged(make(100));
    MUST_EQUAL(paged, 5);
    MUST_EQUAL(nreports, 0);
}

static void the_block_freed_first_is_used_first(void)
{
    char *all[4];
    start(COUNT(all));
    for (unsigned i = 0; i < COUNT(all); i++)
        all[i] = make(100);
    for (unsigned i = COUNT(all); i-- > 0;)
        drop(all[i]);
    for (unsigned i = COUNT(all); i-- > 0;)
        MUST(span_of(make(100)) == span_of(all[i]));
}

static void no_block_when_the_limit_is_0(void)
{
    start(0);
    for (int i = 0; i < 10; i++)
        MUST(!is_paged(make(100)));
}

static void no_block_while_the_thread_is_idle(void)
{
    start(4);
    guard_context.is_idle = true;
    char *idle = make(100);
    guard_context.is_idle = false;
    MUST(!is_paged(idle));
    MUST(is_paged(make(100)));
}

static void right_and_left_in_turn(void)
{
    start(64);
    for (int i = 0; i < 30; i++) {
        char *at = make(48);
        bool left = (uintptr_t)at % REGION_PAGE == 0, right = (uintptr_t)(at + 48) % REGION_PAGE == 0;
        MUST(left || right);
        MUST_EQUAL(right, i % 2 == 0);
    }
}

/* Blocks of every size and alignment are intact; too large ones lie elsewhere. */
static void every_size_and_alignment(void)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 100, 4095, 4096, 4097, 40000, 53248, 60000, 100000};
    start(8);
    for (int round = 0; round < 4; round++)
        for (size_t align = 16; align <= 65536; align *= 2)
            for (size_t i = 0; i < COUNT(sizes); i++) {
                char *at = guard_allocate(sizes[i], align, BLOCK_MALLOC, round % 2, SITE_MADE);
                MUST(at && (uintptr_t)at % align == 0);
                MUST_EQUAL(guard_size(at), sizes[i]);
                for (size_t k = 0; round % 2 && k < sizes[i]; k++)
                    MUST_EQUAL(at[k], 0);
                MUST(sizes[i] > 50000 || align > 8192 || is_paged(at));
                memset(at, 'x', sizes[i]);
                drop(at);
            }
    MUST_EQUAL(nreports, 0);
    MUST_EQUAL(faults, 0);
}

static void reallocation_between_pages_keeps_the_contents(void)
{
    start(8);
    char *at = make(10);
    memset(at, 'x', 10);
    for (size_t size = 11; size < 70000; size += size / 3) {
        at = guard_reallocate(at, size, BLOCK_MALLOC, SITE_MADE);
        MUST(at && at[0] == 'x' && at[9] == 'x');
    }
    at = guard_reallocate(at, 5, BLOCK_MALLOC, SITE_MADE);
    MUST(memcmp(at, "xxxxx", 5) == 0);
    drop(at);
    MUST_EQUAL(nreports, 0);
}

static unsigned count_paged(unsigned n, uint64_t site)
{
    unsigned paged = 0;
    for (unsigned i = 0; i < n; i++) {
        char *at = make_at(100, site);
        paged += is_paged(at);
        drop(at);
    }
    return paged;
}

static void samples_are_the_first_of_a_site_and_one_of_every_n(void)
{
    guarded_start(DEFAULTS);
    MUST(!site_is_sampling());
    MUST_EQUAL(count_paged(1000, 0x7f0000001000), 0);
    site_start_sampling(100);
    MUST(site_is_sampling());
    MUST_EQUAL(count_paged(1, 0x7f0000002000), 1);
    MUST_EQUAL(count_paged(1, 0x7f0000003000), 1);
    MUST_EQUAL(count_paged(1000, 0x7f0000002000), 10);
    MUST_EQUAL(count_paged(1000, 0x7f0000003000), 10);
}

static void without_sampling_only_the_first_of_a_site(void)
{
    guarded_start(DEFAULTS);
    site_start_sampling(0);
    MUST_EQUAL(count_paged(100000, 0x7f0000002000), 1);
}

static void a_step_is_a_site_of_its_own(void)
{
    guarded_start(DEFAULTS);
    site_start_sampling(0);
    for (uint16_t step = 0; step < 20; step++) {
        guard_context.step = step;
        MUST_EQUAL(count_paged(50, 0x7f0000002000), 1);
    }
}

static void arrays_in_focus_are_arrays_alone(void)
{
    guarded_start(DEFAULTS);
    MUST_EQUAL(site_add_focus(&(struct site_focus){.module = "arrays"}), 0);
    for (int i = 0; i < 20; i++) {
        MUST(is_paged(guard_allocate(80, 16, BLOCK_ARRAY, false, 0x7f0000001000)));
        MUST(!is_paged(guard_allocate(80, 16, BLOCK_MALLOC, false, 0x7f0000005000)));
    }
}

static void too_many_focuses_are_refused(void)
{
    guarded_start(DEFAULTS);
    for (int i = 0; i < SITE_FOCUS_MAX; i++)
        MUST_EQUAL(site_add_focus(&(struct site_focus){.module = "nothing.so"}), 0);
    MUST_EQUAL(site_add_focus(&(struct site_focus){.module = "*"}), -ENOSPC);
    MUST_EQUAL(count_paged(100, SITE_MADE), 0);
}

/* A site by its file and offset, in this program. */
static void a_site_in_focus_is_found_by_its_file(void)
{
    Dl_info info;
    uint64_t caller = (uint64_t)(uintptr_t)__builtin_return_address(0);
    guarded_start(DEFAULTS);
    MUST(dladdr(__builtin_return_address(0), &info));
    struct site_focus focus = {.module = "test_heap_pages", .offset = caller - (uintptr_t)info.dli_fbase};
    MUST_EQUAL(site_add_focus(&focus), 0);
    MUST_EQUAL(count_paged(50, caller), 50);
    MUST_EQUAL(count_paged(50, caller + 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUARDED_TEST(the_number_of_blocks_is_limited),
        GUARDED_TEST(the_block_freed_first_is_used_first),
        GUARDED_TEST(no_block_when_the_limit_is_0),
        GUARDED_TEST(no_block_while_the_thread_is_idle),
        GUARDED_TEST(right_and_left_in_turn),
        GUARDED_TEST(every_size_and_alignment),
        GUARDED_TEST(reallocation_between_pages_keeps_the_contents),
        GUARDED_TEST(samples_are_the_first_of_a_site_and_one_of_every_n),
        GUARDED_TEST(without_sampling_only_the_first_of_a_site),
        GUARDED_TEST(a_step_is_a_site_of_its_own),
        GUARDED_TEST(arrays_in_focus_are_arrays_alone),
        GUARDED_TEST(too_many_focuses_are_refused),
        GUARDED_TEST(a_site_in_focus_is_found_by_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
