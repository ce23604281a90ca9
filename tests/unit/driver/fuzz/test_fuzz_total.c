/* The sums of a fuzzer's rounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/fuzz/fuzz.h"

struct world {
    struct sweep_board board;
    struct sweep sweep;
    struct fuzz fuzz;
};

/* A shard with the callable m.f. */
static void begin(struct world *world)
{
    *world = (struct world){.sweep.board = &world->board};
    world->fuzz = (struct fuzz){
        .sweep = &world->sweep,
        .rows = json_object(),
        .others = json_object(),
        .own = json_pack("{s:b}", "m.f", 1),
        .entries = json_pack("[{s:s, s:[s]}]", "name", "m.f", "calls", "m.f()"),
        .total = json_pack("{s:[], s:[], s:{}, s:[]}", "findings", "verifications", "environment", "notes")};
    world->sweep.catalogue = json_pack("{s:O}", "callables", world->fuzz.entries);
}

static void end(struct world *world)
{
    json_decref(world->fuzz.rows);
    json_decref(world->fuzz.others);
    json_decref(world->fuzz.own);
    json_decref(world->fuzz.entries);
    json_decref(world->fuzz.total);
    json_decref(world->sweep.catalogue);
}

/* Calls of another shard's callable stand beside those of this one. */
static void the_table_has_callables_of_the_shard(void **state)
{
    (void)state;
    struct world world;
    json_auto_t *result = json_pack("{s:[{s:s, s:i}, {s:s, s:i, s:i}]}", "callables", "name", "m.f",
                                    "returned", 2, "name", "m.other", "returned", 5, "not_made", 3);
    begin(&world);
    fuzz_add_total(&world.fuzz, result);
    fuzz_end_total(&world.fuzz);
    json_auto_t *rows = json_pack("[{s:s, s:i}]", "name", "m.f", "returned", 2);
    json_auto_t *others = json_pack("[{s:s, s:i, s:i}]", "name", "m.other", "returned", 5, "not_made", 3);
    assert_true(json_equal(json_object_get(world.fuzz.total, "callables"), rows));
    assert_true(json_equal(json_object_get(world.fuzz.total, "others"), others));
    end(&world);
}

static void a_callable_without_a_turn_has_a_row(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    fuzz_end_total(&world.fuzz);
    json_auto_t *rows = json_pack("[{s:s, s:s}]", "name", "m.f", "why", UNIT_NO_TURN);
    assert_true(json_equal(json_object_get(world.fuzz.total, "callables"), rows));
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_callables_of_the_shard),
        cmocka_unit_test(a_callable_without_a_turn_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
