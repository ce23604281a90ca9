/* Names in calls of the corpus that the fuzzer does not have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fd.h"
#include "driver/fuzz/fuzz.h"

struct world {
    struct sweep sweep;
    struct fuzz fuzz;
    struct plan plan;
};

static void begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->sweep.catalogue = json_pack("{s:[s, s, s]}", "builtins", "len", "None", "float");
    world->fuzz = (struct fuzz){.sweep = &world->sweep,
                                .table = json_pack("[[s, s]]", "vec", "f8[20]"),
                                .all = json_pack("[{s:s}]", "name", "pack.sub.f")};
    world->fuzz.names = fuzz_list_names(&world->fuzz);
    plan_init(&world->plan);
    assert_int_equal(plan_add_input(&world->plan, "own", "f8[3]"), 0);
}

static void end(struct world *world)
{
    plan_clear(&world->plan);
    json_decref(world->sweep.catalogue);
    json_decref(world->fuzz.table);
    json_decref(world->fuzz.all);
    json_decref(world->fuzz.names);
}

static void calls_with_names_of_the_fuzzer_are_kept(void **state)
{
    (void)state;
    static const char *const calls[] = {"pack.sub.f(vec, own, None)",
                                        "pack.sub.f(vec[1:], 1e5, 0x1f, -2**31)",
                                        ".add(vec, n=2, m = 3)",
                                        "pack.sub.f('word, \\' word')",
                                        "pack.sub.f(b'word', r\"word\", float('nan'))",
                                        "pack.sub.f(vec.T.size, len(own))",
                                        "pack.sub.f([x for x in vec])",
                                        "pack.sub.f(lambda x: x)"};
    struct world world;
    begin(&world);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        cleanup_free char *name = fuzz_find_undefined(world.fuzz.names, &world.plan, calls[i]);
        assert_null(name);
    }
    end(&world);
}

static void the_first_other_name_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *call, *name;
    } rows[] = {{"pack.sub.f(nosuch)", "nosuch"},
                {"pack.sub.f(vec, n=nosuch)", "nosuch"},
                {"pack.sub.f('vec', nosuch == 2)", "nosuch"},
                {"pack.sub.f(other.vec)", "other"}};
    struct world world;
    begin(&world);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_free char *name = fuzz_find_undefined(world.fuzz.names, &world.plan, rows[i].call);
        assert_non_null(name);
        assert_string_equal(name, rows[i].name);
    }
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_with_names_of_the_fuzzer_are_kept),
        cmocka_unit_test(the_first_other_name_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
