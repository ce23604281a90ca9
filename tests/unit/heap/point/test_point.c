/* Points: where they count, and what is drawn. Waits are short: no test reads the clock. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <stdbool.h>

#include "heap/point/pct.h"
#include "heap/point/point.h"

#define SEED 7
#define THREADS 2

/* Draws the first round after this one that has delays. */
static uint64_t draw_busy(uint32_t perturb, uint64_t round)
{
    do {
        points_draw(perturb, SEED, round++, THREADS);
        point_open();
    } while (!point_here.open && round < 1000);
    point_close();
    return round;
}

/* Does a point of this kind count here? */
static bool counts(enum perturb kind)
{
    uint32_t before = point_here.until = 1000;
    point_pass(kind);
    return point_here.until != before;
}

static void a_point_counts_inside_calls_only(void **state)
{
    (void)state;
    draw_busy(PERTURB_ALLOC, 0);
    point_begin(0);
    assert_false(counts(PERTURB_ALLOC));
    point_open();
    assert_true(counts(PERTURB_ALLOC));
    assert_false(counts(PERTURB_LOCKS)); /* not chosen */
    point_close();
    assert_false(counts(PERTURB_ALLOC));
}

static void the_loader_is_never_delayed(void **state)
{
    (void)state;
    draw_busy(PERTURB_ALLOC, 0);
    point_open();
    assert_true(point_loader.size > 0);
    point_here.until = 1000;
    point_pass_heap(point_loader.start + point_loader.size / 2);
    assert_int_equal(point_here.until, 1000);
    point_pass_heap((uintptr_t)the_loader_is_never_delayed);
    assert_int_equal(point_here.until, 999);
    point_close();
}

static void a_plan_without_points_has_none(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 64; round++) {
        points_draw(PERTURB_OFF | PERTURB_LOCKSTEP | PERTURB_FRESH | PERTURB_COLLECT, SEED, round, THREADS);
        point_open();
        assert_int_equal(point_here.open, 0);
        point_close();
    }
}

/* Bit r: round r has delays. */
static uint64_t busy_rounds(uint64_t seed)
{
    uint64_t bits = 0;
    for (uint64_t round = 0; round < 64; round++) {
        points_draw(PERTURB_LOCKS, seed, round, THREADS);
        point_open();
        bits |= (uint64_t)(point_here.open != 0) << round;
        point_close();
    }
    return bits;
}

static void the_seed_decides_which_rounds_are_calm(void **state)
{
    (void)state;
    uint64_t rounds = busy_rounds(SEED);
    assert_true(rounds != 0 && rounds != UINT64_MAX);
    assert_true(rounds == busy_rounds(SEED));
    assert_true(rounds != busy_rounds(SEED + 1));
}

/* A countdown that ends begins again, whether a wait was due or not. */
static void points_go_on_after_a_wait(void **state)
{
    (void)state;
    draw_busy(PERTURB_ALLOC, 0);
    point_begin(1);
    point_open();
    for (unsigned i = 0; i < 1000; i++) {
        point_pass(PERTURB_ALLOC);
        assert_in_range(point_here.until, 1, 128);
    }
    point_close();
}

static void all_workers_of_a_round_are_on_one_core(void **state)
{
    (void)state;
    cpu_set_t before, now;
    unsigned pinned = 0, rounds = 64;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    for (unsigned round = 0; round < rounds; round++) {
        points_draw(PERTURB_PIN, SEED, round, THREADS);
        point_begin(0);
        assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
        assert_true(CPU_COUNT(&now) == 1 || CPU_EQUAL(&now, &before));
        pinned += CPU_COUNT(&now) == 1;
    }
    assert_true(pinned > 0 && (pinned < rounds || CPU_COUNT(&before) == 1));
    points_draw(0, SEED, 0, THREADS);
    point_begin(0);
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_true(CPU_EQUAL(&now, &before));
}

/* Threads of lower priority wait for one that works, and for no other. */
static void at_a_point_of_pct_each_thread_goes_on_in_the_end(void **state)
{
    (void)state;
    draw_busy(PERTURB_PCT, 0);
    point_begin(0);
    pct_enter(1); /* it works, and passes no point */
    point_open();
    for (unsigned i = 0; i < 3 * PCT_POINTS; i++) {
        point_pass(PERTURB_LOCKS);
        assert_int_equal(point_here.until, 1);
    }
    point_close();
    point_end();
    pct_leave(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_counts_inside_calls_only),
        cmocka_unit_test(the_loader_is_never_delayed),
        cmocka_unit_test(a_plan_without_points_has_none),
        cmocka_unit_test(the_seed_decides_which_rounds_are_calm),
        cmocka_unit_test(points_go_on_after_a_wait),
        cmocka_unit_test(at_a_point_of_pct_each_thread_goes_on_in_the_end),
        cmocka_unit_test(all_workers_of_a_round_are_on_one_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
