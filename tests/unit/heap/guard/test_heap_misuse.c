/* The guard on one thread: each misuse of a pointer is reported, with the data of its block. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "heap/guard/lone.h"
#include "heap/guard/violation_report.h"

/* Misuse */

static void a_double_free_is_reported(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100);
    guard_context.worker = 3;
    drop(at);
    guard_context.worker = 4;
    guard_release(at, BLOCK_MALLOC, 0x2299);
    const struct violation *violation = reported_once(VIOLATION_DOUBLE_FREE, FOUND_FREE);
    MUST_EQUAL(violation->address, (uintptr_t)at);
    MUST_EQUAL(violation->size, 100);
    MUST_EQUAL(violation->free_site, SITE_FREED);
    MUST_EQUAL(violation->free_worker, 3);
    MUST_EQUAL(violation->nfound, 1);
    MUST_EQUAL(violation->here[0], 0x2299);
    use(100);
    scan();
    MUST_EQUAL(nreports, 1);
}

static void a_double_free_of_a_large_block_is_reported(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100000);
    drop(at);
    drop(at);
    MUST_EQUAL(reported_once(VIOLATION_DOUBLE_FREE, FOUND_FREE)->size, 100000);
    use(100000);
    use(100000);
    scan();
    MUST_EQUAL(nreports, 1);
}

static void a_pointer_into_a_block_is_not_freed(void)
{
    static const size_t sizes[] = {100, 5000, 100000};
    guarded_start(DEFAULTS);
    for (unsigned i = 0; i < COUNT(sizes); i++) {
        char *at = make(sizes[i]);
        guard_release(at + 8, BLOCK_MALLOC, 0x2300 + i);
        MUST_EQUAL(nreports, i + 1);
        MUST_EQUAL(reports[i].kind, VIOLATION_INTERIOR_FREE);
        MUST_EQUAL(reports[i].offset, 8);
        MUST_EQUAL(reports[i].address, (uintptr_t)at);
        MUST_EQUAL(guard_size(at), sizes[i]);
        drop(at);
    }
    MUST_EQUAL(nreports, COUNT(sizes));
}

static void a_foreign_pointer_is_not_freed(void)
{
    guarded_start(DEFAULTS);
    char local, *at = make(100), *never = region.heap + region.size - 100;
    guard_release(&local, BLOCK_MALLOC, 0x2400);
    guard_release(never, BLOCK_MALLOC, 0x2500);
    violation_report_foreign(&local, 0x2600);
    const struct span *span = region_find(at);
    guard_release(span->start + (span->nslots - 1) * span->slot_size + BLOCK_HEAD, BLOCK_MALLOC, 0x2700);
    MUST_EQUAL(nreports, 4);
    for (unsigned i = 0; i < nreports; i++) {
        MUST_EQUAL(reports[i].kind, VIOLATION_FOREIGN_FREE);
        MUST_EQUAL(reports[i].here[0], 0x2400 + 0x100 * i);
        MUST_EQUAL(reports[i].worker, BLOCK_NOBODY);
    }
    MUST_EQUAL(reports[0].address, (uintptr_t)&local);
    MUST_EQUAL(reports[1].address, (uintptr_t)never);
}

static void a_foreign_pointer_is_not_reallocated(void)
{
    guarded_start(DEFAULTS);
    char local, *at = make(100), *freed = make(100);
    drop(freed);
    const struct {
        char *at;
        enum violation_kind kind;
    } bad[] = {
        {freed, VIOLATION_DOUBLE_FREE}, {at + 1, VIOLATION_INTERIOR_FREE}, {&local, VIOLATION_FOREIGN_FREE}};
    for (unsigned i = 0; i < COUNT(bad); i++) {
        errno = 0;
        MUST(!guard_reallocate(bad[i].at, 200, BLOCK_MALLOC, SITE_MADE));
        MUST_EQUAL(errno, ENOMEM);
        MUST_EQUAL(nreports, i + 1);
        MUST_EQUAL(reports[i].kind, bad[i].kind);
    }
    MUST_EQUAL(guard_size(at), 100);
}

static bool is_operator(enum block_kind kind)
{
    return kind == BLOCK_NEW || kind == BLOCK_NEW_ARRAY;
}

static void each_mismatch_is_reported(void)
{
    guarded_start(DEFAULTS);
    unsigned n = 0;
    for (enum block_kind made = BLOCK_MALLOC; made < BLOCK_KINDS; made++)
        for (enum block_kind freed = BLOCK_MALLOC; freed < BLOCK_KINDS; freed++) {
            char *at = guard_allocate(50, 16, made, false, SITE_MADE);
            guard_release(at, freed, 0x2800 + made * BLOCK_KINDS + freed);
            MUST_EQUAL(guard_size(at), 0);
            n += made != freed && (is_operator(made) || is_operator(freed));
            MUST_EQUAL(nreports, n);
            if (n == 0 || reports[n - 1].here[0] != 0x2800 + made * BLOCK_KINDS + freed)
                continue;
            MUST_EQUAL(reports[n - 1].kind, VIOLATION_MISMATCH);
            MUST_EQUAL(reports[n - 1].block, made);
            MUST_EQUAL(reports[n - 1].offset, freed);
        }
    MUST_EQUAL(n, 14);
}

/* The report of a violation */

static void a_violation_names_the_maker_of_the_block(void)
{
    guarded_start(DEFAULTS);
    guard_context = (struct guard_context){.iteration = 77, .worker = 5, .step = 9};
    char *at = guard_allocate(80, 16, BLOCK_ARRAY, false, SITE_MADE);
    guard_tag(at + 40, (struct block_array){'f', 8, 1, 0});
    make_others();
    guard_context = (struct guard_context){.iteration = 78, .worker = 6, .step = 10};
    scribble(at + 80, 4);
    drop(at);
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_FREE);
    must_blame(violation, at, 80, 80, 4);
    MUST_EQUAL(violation->block, BLOCK_ARRAY);
    MUST_EQUAL(violation->array.itemsize, 8);
    MUST_EQUAL(violation->iteration, 77);
    MUST_EQUAL(violation->worker, 5);
    MUST_EQUAL(violation->step, 9);
    MUST_EQUAL(violation->free_worker, 6);
    MUST_EQUAL(violation->sequence, 1);
    MUST_EQUAL(violation->alloc_site, SITE_MADE);
    MUST(violation->nfound > 0);
}

static void a_new_block_forgets_the_last_one(void)
{
    guarded_start(DEFAULTS);
    char *at = make(80);
    guard_tag(at, (struct block_array){'f', 8, 1, 0});
    drop(at);
    wait_for_slot(at, 80);
    MUST_EQUAL(span_block(region_find(at), at)->array.itemsize, 0);
}

static __attribute__((noinline)) char *make_with_stack(uint64_t *caller)
{
    *caller = (uint64_t)(uintptr_t)__builtin_return_address(0);
    char *made = make_at(100, *caller);
    __asm__ volatile("" ::: "memory"); /* no tail call */
    return made;
}

static void stacks_are_stored_on_request(void)
{
    guarded_start((struct guard_settings){.stacks = true});
    uint64_t caller;
    char *at = make_with_stack(&caller);
    scribble(at + 100, 4);
    scan();
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_SCAN);
    MUST(violation->nalloc > 2);
    MUST_EQUAL(violation->alloc[0], caller);
    MUST_EQUAL(violation->alloc_site, caller);
}

static void a_site_is_reported_four_times(void)
{
    guarded_start(DEFAULTS);
    for (unsigned i = 0; i < 20; i++) {
        char *at = make(100);
        make_others();
        scribble(at + 100, 4);
        drop(at);
    }
    MUST_EQUAL(nreports, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUARDED_TEST(a_double_free_is_reported),
        GUARDED_TEST(a_double_free_of_a_large_block_is_reported),
        GUARDED_TEST(a_pointer_into_a_block_is_not_freed),
        GUARDED_TEST(a_foreign_pointer_is_not_freed),
        GUARDED_TEST(a_foreign_pointer_is_not_reallocated),
        GUARDED_TEST(each_mismatch_is_reported),
        GUARDED_TEST(a_violation_names_the_maker_of_the_block),
        GUARDED_TEST(a_new_block_forgets_the_last_one),
        GUARDED_TEST(stacks_are_stored_on_request),
        GUARDED_TEST(a_site_is_reported_four_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
