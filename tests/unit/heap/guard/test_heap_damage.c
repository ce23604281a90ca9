/* Damage while the checker walks and threads work: each violation is reported once, by whichever of them meets it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap/guard/threaded.h"

static const struct violation *wait_for_report(void)
{
    uint64_t until = clock_now() + PATIENCE;
    while (atomic_load(&nreports) == 0 && clock_now() < until)
        sleep_for(INTERVAL);
    checker_stop();
    MUST_EQUAL(nreports, 1);
    return &reports[0];
}

static void the_checker_sees_an_overrun(void)
{
    guarded_start(CHECKED);
    char *at = make(100);
    scribble(at + 100, 12);
    const struct violation *violation = wait_for_report();
    must_blame(violation, at, 100, 100, violation->length);
    MUST(violation->length <= 12);
    reported_once(VIOLATION_AFTER, FOUND_SCAN);
}

static void the_checker_sees_a_write_to_a_freed_block(void)
{
    guarded_start(CHECKED);
    char *at = make(100);
    drop(at);
    scribble(at + 10, 1);
    must_blame(wait_for_report(), at, 100, 10, 1);
    reported_once(VIOLATION_FREED_WRITE, FOUND_SCAN);
}

static void the_checker_sees_an_overrun_among_busy_threads(void)
{
    guarded_start(CHECKED);
    start_threads(4, exchange_always);
    char *at = make_at(1000, 0x7700);
    scribble(at + 1000, 4);
    const struct violation *violation = wait_for_report();
    atomic_store(&stop, true);
    join_threads(4);
    MUST_EQUAL(violation->kind, VIOLATION_AFTER);
    MUST_EQUAL(violation->found, FOUND_SCAN);
    must_blame(violation, at, 1000, 1000, violation->length);
    MUST_EQUAL(violation->alloc_site, 0x7700);
}

/* Blocks that are written after free and soon used again by their own threads: the checker and the next use of
 * the slot meet the same damage. */
#define SPOILED 15

static void *write_after_free(void *argument)
{
    const struct worker *worker = argument;
    for (unsigned i = 0; i < SPOILED; i++) {
        char *at = make_at(100, 0x9000 + 0x100 * worker->number + i);
        drop(at);
        *(volatile uint64_t *)(void *)(at + 8) =
            0x4141414141414141; /* one store: the checker sees all of it */
        for (int k = 0; k < 300; k++)
            drop(make(100));
    }
    return NULL;
}

static void must_be_reported_once_each(void)
{
    uint64_t seen[4] = {0};
    MUST_EQUAL(nreports, 4 * SPOILED);
    for (unsigned i = 0; i < nreports; i++) {
        uint64_t site = reports[i].alloc_site - 0x9000, bit = UINT64_C(1) << site % 0x100;
        MUST_EQUAL(reports[i].kind, VIOLATION_FREED_WRITE);
        must_blame(&reports[i], (const char *)(uintptr_t)reports[i].address, 100, 8, 8);
        MUST(!(seen[site / 0x100] & bit));
        seen[site / 0x100] |= bit;
    }
}

static void damage_seen_by_two_threads_is_reported_once(void)
{
    guarded_start((struct guard_settings){.checker = true, .interval = 1000, .quarantine = 4096});
    start_threads(4, write_after_free);
    join_threads(4);
    checker_stop();
    checker_scan(FOUND_SCAN);
    must_be_reported_once_each();
}

static char *victim;

static void *spoil_victim(void *argument)
{
    (void)argument;
    scribble(victim + 200, 8);
    return NULL;
}

static void the_checker_sees_writes_of_other_threads(void)
{
    guarded_start(CHECKED);
    guard_context.worker = 7;
    victim = make(200);
    start_threads(1, spoil_victim);
    const struct violation *violation = wait_for_report();
    join_threads(1);
    reported_once(VIOLATION_AFTER, FOUND_SCAN);
    must_blame(violation, victim, 200, 200, violation->length);
    MUST_EQUAL(violation->worker, 7);
}

/* Two threads free one block at once */

#define TWICE 60
static char *twice[TWICE];
static _Atomic unsigned ready;

static void *free_with_the_other(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < TWICE; i++) {
        atomic_fetch_add(&ready, 1);
        while (atomic_load(&ready) < 2 * (i + 1))
            ;
        guard_release(twice[i], BLOCK_MALLOC, 0x8000 + 16 * i);
    }
    return NULL;
}

static void a_double_free_by_two_threads_is_reported_once(void)
{
    guarded_start(CHECKED);
    for (unsigned i = 0; i < TWICE; i++)
        twice[i] = make(24 + 100 * i);
    start_threads(2, free_with_the_other);
    join_threads(2);
    MUST_EQUAL(nreports, TWICE);
    for (unsigned i = 0; i < TWICE; i++) {
        MUST_EQUAL(reports[i].kind, VIOLATION_DOUBLE_FREE);
        MUST_EQUAL(reports[i].address, (uintptr_t)twice[i]);
        MUST_EQUAL(reports[i].size, 24 + 100 * i);
        MUST_EQUAL(reports[i].free_site, 0x8000 + 16 * i);
    }
    run_threads(4, exchange_always, CLOCK_SECOND / 5);
    checker_stop();
    checker_scan(FOUND_SCAN);
    MUST_EQUAL(nreports, TWICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUARDED_TEST(the_checker_sees_an_overrun),
        GUARDED_TEST(the_checker_sees_a_write_to_a_freed_block),
        GUARDED_TEST(the_checker_sees_an_overrun_among_busy_threads),
        GUARDED_TEST(the_checker_sees_writes_of_other_threads),
        GUARDED_TEST(damage_seen_by_two_threads_is_reported_once),
        GUARDED_TEST(a_double_free_by_two_threads_is_reported_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
