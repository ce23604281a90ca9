/* Allocation sites in runs of two lengths, and when a third run is needed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "driver/finding/memcheck.h"

/* Blocks of 16 bytes that one site left in runs of three lengths: of 100, 200 and 300 calls, and of 10, 20 and 10 new
 * ones where the plan has them. */
struct row {
    const char *name;
    enum memcheck_arm arm;
    int64_t blocks[MEMCHECK_LENGTHS];
    bool has_new, has_release, compiles;
    enum growth_verdict second, third; /* what two lengths say, and what three */
    bool settled;                      /* two are enough */
};

static const struct row rows[] = {
    {.name = "one in each call",
     .arm = MEMCHECK_CALLS,
     .blocks = {100, 200, 300},
     .second = GROWTH_LEAK,
     .third = GROWTH_LEAK},
    {.name = "one in ten calls, as a race loses it",
     .arm = MEMCHECK_CALLS,
     .blocks = {11, 19, 32},
     .second = GROWTH_LEAK,
     .third = GROWTH_LEAK},
    {.name = "the same at all lengths",
     .arm = MEMCHECK_CALLS,
     .blocks = {500, 500, 500},
     .second = GROWTH_ONE_OFF,
     .third = GROWTH_ONE_OFF,
     .settled = true},
    {.name = "a few more by chance",
     .arm = MEMCHECK_CALLS,
     .blocks = {500, 503, 500},
     .second = GROWTH_ONE_OFF,
     .third = GROWTH_ONE_OFF,
     .settled = true},
    {.name = "fewer",
     .arm = MEMCHECK_CALLS,
     .blocks = {500, 400, 300},
     .second = GROWTH_ONE_OFF,
     .third = GROWTH_ONE_OFF,
     .settled = true},
    {.name = "a table that was doubled between two lengths",
     .arm = MEMCHECK_CALLS,
     .blocks = {64, 128, 128},
     .second = GROWTH_LEAK,
     .third = GROWTH_ONE_OFF},
    {.name = "nothing", .arm = MEMCHECK_CALLS, .second = GROWTH_NONE, .third = GROWTH_NONE, .settled = true},
    {.name = "one for each new call",
     .arm = MEMCHECK_NEW,
     .blocks = {10, 20, 10},
     .has_new = true,
     .second = GROWTH_UNBOUNDED,
     .third = GROWTH_UNBOUNDED},
    {.name = "one for each new call, whatever is released",
     .arm = MEMCHECK_NEW,
     .blocks = {10, 20, 10},
     .has_new = true,
     .has_release = true,
     .second = GROWTH_RETAINED,
     .third = GROWTH_RETAINED},
    {.name = "what belongs to compiled code",
     .arm = MEMCHECK_NEW,
     .blocks = {1000, 2000, 1000},
     .has_new = true,
     .compiles = true,
     .second = GROWTH_JIT,
     .third = GROWTH_JIT,
     .settled = true},
    {.name = "new calls that leave nothing",
     .arm = MEMCHECK_NEW,
     .blocks = {3, 3, 3},
     .has_new = true,
     .second = GROWTH_ONE_OFF,
     .third = GROWTH_ONE_OFF,
     .settled = true},
    {.name = "beside, with the calls",
     .arm = MEMCHECK_BESIDE,
     .blocks = {100, 200, 300},
     .has_new = true,
     .second = GROWTH_LEAK,
     .third = GROWTH_LEAK},
    {.name = "beside, with the new ones",
     .arm = MEMCHECK_BESIDE,
     .blocks = {10, 20, 10},
     .has_new = true,
     .second = GROWTH_LEAK,
     .third = GROWTH_UNBOUNDED},
    {.name = "a leak while code is compiled elsewhere",
     .arm = MEMCHECK_CALLS,
     .blocks = {100, 200, 300},
     .has_new = true,
     .compiles = true,
     .second = GROWTH_LEAK,
     .third = GROWTH_LEAK},
};

static void run_length(struct memcheck *memcheck, const struct row *row)
{
    static const uint64_t calls[][2] = {{100, 10}, {200, 20}, {300, 10}};
    unsigned i = memcheck->n;
    struct memcheck run = {0};
    struct memcheck_length *length = &run.lengths[0];
    if (row->blocks[i] > 0)
        assert_non_null(memcheck_add(&run, row->arm, MEMCHECK_DEFINITELY, "f", "p",
                                     (struct memcheck_sum){16 * row->blocks[i], row->blocks[i]}));
    length->calls[0] = calls[i][0];
    length->calls[1] = row->has_new ? calls[i][1] : 0;
    length->code = row->compiles ? 4096 * (int64_t)calls[i][1] : 0;
    length->threads = 2;
    length->statements = 1;
    memcheck_take(memcheck, &run);
    memcheck_clear(&run);
}

static enum growth_verdict verdict_of(const struct memcheck *memcheck)
{
    struct memcheck_rate rate;
    return memcheck->nsites ? memcheck_judge(memcheck, &memcheck->sites[0], &rate) : GROWTH_NONE;
}

static void two_lengths_show_growth(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct memcheck memcheck = {.on = true, .has_new = row->has_new, .has_release = row->has_release};
        run_length(&memcheck, row);
        run_length(&memcheck, row);
        print_message("%s\n", row->name);
        assert_int_equal(verdict_of(&memcheck), row->second);
        assert_int_equal(memcheck_is_settled(&memcheck), row->settled);
        run_length(&memcheck, row);
        assert_int_equal(verdict_of(&memcheck), row->third);
        assert_true(memcheck_is_settled(&memcheck));
        memcheck_clear(&memcheck);
    }
}

static void rates_are_of_each_call(void **state)
{
    (void)state;
    struct memcheck memcheck = {.on = true};
    struct memcheck_rate rate;
    run_length(&memcheck, &rows[0]);
    run_length(&memcheck, &rows[0]);
    memcheck_judge(&memcheck, &memcheck.sites[0], &rate);
    assert_float_equal(rate.blocks, 1, 1e-9);
    assert_float_equal(rate.bytes, 16, 1e-9);
    rate = memcheck_rate(&memcheck, MEMCHECK_CALLS, MEMCHECK_DEFINITELY);
    assert_float_equal(rate.blocks, 1, 1e-9);
    rate = memcheck_rate(&memcheck, MEMCHECK_CALLS, MEMCHECK_REACHABLE);
    assert_float_equal(rate.blocks, 0, 1e-9);
    memcheck_clear(&memcheck);
}

static void each_run_is_longer_until_all_is_settled(void **state)
{
    (void)state;
    uint64_t lengths[2];
    struct memcheck memcheck = {.on = true};
    assert_true(memcheck_next(&memcheck, lengths));
    assert_int_equal(lengths[0], 0); /* as the time allows */
    run_length(&memcheck, &rows[0]);
    assert_true(memcheck_next(&memcheck, lengths));
    assert_int_equal(lengths[0], 100); /* two threads: 200 calls */
    run_length(&memcheck, &rows[0]);
    assert_true(memcheck_next(&memcheck, lengths));
    assert_non_null(
        strstr(memcheck_why_not_clean(&memcheck),
               "something grew between two lengths, and Valgrind did not come to the end of the third"));
    assert_int_equal(lengths[0], 150);
    run_length(&memcheck, &rows[0]);
    assert_false(memcheck_next(&memcheck, lengths));
    assert_null(memcheck_why_not_clean(&memcheck));
    memcheck_clear(&memcheck);
}

/* Blocks count once the run that left them is taken. */
static void a_run_that_ends_early_is_forgotten(void **state)
{
    (void)state;
    struct memcheck memcheck = {.on = true}, early = {0};
    run_length(&memcheck, &rows[2]);
    memcheck_add(&early, MEMCHECK_CALLS, MEMCHECK_DEFINITELY, "f", "p",
                 (struct memcheck_sum){1 << 20, 1 << 16});
    memcheck_clear(&early);
    assert_string_equal(memcheck_why_not_clean(&memcheck),
                        "growth shows in runs of two lengths, and Valgrind did not come to the end of both; "
                        "--verbose shows their output");
    run_length(&memcheck, &rows[2]);
    assert_int_equal(verdict_of(&memcheck), GROWTH_ONE_OFF);
    assert_null(memcheck_why_not_clean(&memcheck));
    memcheck_clear(&memcheck);
}

static void too_few_calls_are_no_test(void **state)
{
    (void)state;
    struct memcheck memcheck = {.on = true};
    run_length(&memcheck, &rows[6]);
    run_length(&memcheck, &rows[6]);
    memcheck.lengths[0].calls[0] = 1;
    memcheck.lengths[1].calls[0] = 2;
    assert_string_equal(
        memcheck_why_not_clean(&memcheck),
        "the time allowed too few calls to measure a loss for each of them; give it more --time");
    memcheck_clear(&memcheck);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_lengths_show_growth),
        cmocka_unit_test(rates_are_of_each_call),
        cmocka_unit_test(each_run_is_longer_until_all_is_settled),
        cmocka_unit_test(a_run_that_ends_early_is_forgotten),
        cmocka_unit_test(too_few_calls_are_no_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
