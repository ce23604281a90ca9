/* Which calls threads make together, and the plan of them. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/plan/perturb.h"
#include "driver/fuzz/fuzz_mix.h"
#include "driver/sweep/sweep_trial.h"

#define FUNCTIONS 12u
#define METHODS 3u
#define NAMES (FUNCTIONS + METHODS)
#define OF_WINDOW 16u
/* Calls of each function: callables with many forms meet no more than others. */
#define CALLS_OF(i) ((i) % 3 * 20 + 1)

struct world {
    struct request request;
    struct sweep sweep;
    struct fuzz fuzz;
    struct unit unit;
    json_t *entries;
};

static void add_entry(json_t *entries, unsigned number, bool is_method)
{
    json_t *calls = json_array();
    for (unsigned k = 0; k < (is_method ? 1 : CALLS_OF(number)); k++)
        json_array_append_new(calls, is_method
                                         ? json_sprintf("object_.m%u(vec)", number)
                                         : json_sprintf("t.f%u(%s, %u)", number, k % 2 ? "mat" : "vec", k));
    json_array_append_new(entries,
                          json_pack("{s:o, s:s, s:s, s:o}", "name",
                                    json_sprintf(is_method ? "t.Ring.m%u" : "t.f%u", number), "module", "t",
                                    "make", is_method ? "t.Ring()" : "", "calls", calls));
}

static void begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->entries = json_array();
    for (unsigned i = 0; i < FUNCTIONS; i++)
        add_entry(world->entries, i, false);
    for (unsigned i = 0; i < METHODS; i++)
        add_entry(world->entries, i, true);
    world->sweep.request = &world->request;
    world->fuzz.sweep = &world->sweep;
    world->fuzz.prng = prng_stream(1, 1);
    world->fuzz.met = json_object();
    world->fuzz.thin = json_object();
    world->fuzz.returned = json_object();
    world->fuzz.turns = json_object();
    world->fuzz.entries = json_array();
    world->fuzz.spent = json_object();
    world->fuzz.table = json_pack("[[s, s], [s, s]]", "vec", "f8[20]", "mat", "f8[4,4]");
    world->sweep.catalogue = json_pack("{s:O}", "inputs", world->fuzz.table);
    assert_int_equal(unit_begin(&world->unit, world->entries), 0);
    for (size_t i = 0; i < world->unit.n; i++)
        world->unit.calls[i].state = CALL_RETURNED;
}

static void end(struct world *world)
{
    unit_clear(&world->unit);
    json_decref(world->entries);
    json_decref(world->fuzz.met);
    json_decref(world->fuzz.thin);
    json_decref(world->fuzz.returned);
    json_decref(world->fuzz.turns);
    json_decref(world->fuzz.entries);
    free(world->fuzz.deck);
    json_decref(world->fuzz.spent);
    json_decref(world->fuzz.table);
    json_decref(world->sweep.catalogue);
}

/* Draws mixes, and counts how often each two callables are in one. */
static void draw_many(struct world *world, unsigned mixes, unsigned met[NAMES][NAMES])
{
    memset(met, 0, NAMES * sizeof *met);
    for (unsigned n = 0; n < mixes; n++) {
        struct mix mix;
        assert_true(mix_draw(&world->fuzz, &world->unit, NULL, &mix));
        mix_count(&world->fuzz, &world->unit, &mix);
        for (unsigned i = 0; i < mix.n; i++)
            for (unsigned k = 0; k < mix.n; k++)
                met[mix.calls[i]->owner][mix.calls[k]->owner]++;
    }
}

/* The fewest and the most meetings of two callables. */
static void find_range(unsigned met[NAMES][NAMES], unsigned *ret_least, unsigned *ret_most)
{
    *ret_least = UINT32_MAX;
    *ret_most = 0;
    for (unsigned i = 0; i < NAMES; i++)
        for (unsigned k = 0; k < i; k++) {
            *ret_least = met[i][k] < *ret_least ? met[i][k] : *ret_least;
            *ret_most = met[i][k] > *ret_most ? met[i][k] : *ret_most;
        }
}

/* 105 pairs. 60 mixes have about 1,700, and each pair as many of them as the others. */
static void each_pair_meets_as_often(void **state)
{
    (void)state;
    struct world world;
    unsigned met[NAMES][NAMES], least, most;
    begin(&world);
    draw_many(&world, 60, met);
    find_range(met, &least, &most);
    assert_in_range(least, 10, 30);
    assert_in_range(most - least, 0, 4);
    end(&world);
}

/* Many calls are a sequence without lockstep: only there do all of them meet. */
static void many_calls_run_in_one_sequence(void **state)
{
    (void)state;
    struct world world;
    unsigned many = 0;
    begin(&world);
    for (unsigned n = 0; n < 60; n++) {
        struct mix mix;
        assert_true(mix_draw(&world.fuzz, &world.unit, NULL, &mix));
        assert_true(mix.n <= MIX_ROLES || (mix.is_sequence && !(mix.perturb & PERTURB_LOCKSTEP)));
        many += mix.n > MIX_ROLES;
    }
    assert_in_range(many, 10, 50);
    end(&world);
}

static void spent_callables_are_left_out(void **state)
{
    (void)state;
    struct world world;
    unsigned met[NAMES][NAMES];
    begin(&world);
    json_object_set_new(world.fuzz.spent, "t.f3", json_true());
    draw_many(&world, 40, met);
    assert_int_equal(met[3][3], 0);
    assert_true(met[4][4] > 0);
    end(&world);
}

/* Calls race for what they share: with as many meetings, calls on the same array come first. */
static void calls_on_one_array_come_first(void **state)
{
    (void)state;
    struct world world;
    unsigned beside = 0;
    begin(&world);
    for (unsigned n = 0; n < 50; n++) {
        struct mix mix;
        assert_true(mix_draw(&world.fuzz, &world.unit, &world.unit.calls[2], &mix)); /* t.f1(mat, 1) */
        assert_string_equal(mix.calls[0]->text, "t.f1(mat, 1)");
        beside += strstr(mix.calls[1]->text, "mat") != NULL;
    }
    assert_int_equal(beside, 50);
    end(&world);
}

static void methods_of_one_class_share_an_object(void **state)
{
    (void)state;
    struct world world;
    struct plan plan;
    begin(&world);
    struct mix mix = {.n = 2};
    mix.calls[0] = &world.unit.calls[world.unit.n - 1];
    mix.calls[1] = &world.unit.calls[world.unit.n - 2];
    assert_int_equal(mix_plan(&world.fuzz, &world.unit, &mix, &plan), 0);
    assert_string_equal(plan.setup, "import t\nobject_t_Ring = t.Ring()");
    assert_string_equal(plan.roles[0], "object_t_Ring.m2(vec)");
    assert_string_equal(plan.roles[1], "object_t_Ring.m1(vec)");
    assert_string_equal(plan.focus, "*"); /* a read of a freed block shows */
    cleanup_free char *statement = mix_statement(&world.unit, &mix, 1);
    assert_string_equal(statement, "object_t_Ring.m1(vec)");
    plan_clear(&plan);
    mix.calls[1] = &world.unit.calls[0]; /* alone, an object has the name of a sweep */
    assert_int_equal(mix_plan(&world.fuzz, &world.unit, &mix, &plan), 0);
    assert_string_equal(plan.setup, "import t\nobject_t_Ring_m2 = t.Ring()");
    plan_clear(&plan);
    end(&world);
}

/* A keyword changes what a callable does: calls with keywords that had fewer turns under threads come first. */
static void keywords_have_their_turns(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    json_t *calls = json_object_get(json_array_get(world.entries, 2), "calls");
    json_array_append_new(calls, json_string("t.f2(vec, fold=True)"));
    json_array_append(world.fuzz.entries, json_array_get(world.entries, 2));
    json_object_set_new(world.fuzz.turns, "t.f2 ", json_integer(1));
    for (int i = 0; i < 2; i++) {
        json_auto_t *drawn = fuzz_draw_round(&world.fuzz);
        const json_t *texts = json_object_get(json_array_get(drawn, 0), "calls");
        bool is_keyword = strstr(json_string_value(json_array_get(texts, 0)), "fold=");
        assert_int_equal(is_keyword, i == 0);
        json_object_set_new(world.fuzz.turns, "t.f2 fold", json_integer(2));
    }
    end(&world);
}

static void threads_have_half_of_the_time(void **state)
{
    (void)state;
    struct sweep sweep = {.began = 1000, .deadline = 1000 + 100 * CLOCK_SECOND};
    struct fuzz fuzz = {.sweep = &sweep};
    assert_true(fuzz_is_for_threads(&fuzz, sweep.began + 1 * CLOCK_SECOND));
    fuzz.threaded = 6 * CLOCK_SECOND;
    assert_false(fuzz_is_for_threads(&fuzz, sweep.began + 11 * CLOCK_SECOND));
    assert_true(fuzz_is_for_threads(&fuzz, sweep.began + 13 * CLOCK_SECOND));
}

/* Plans that failed share a third of the time, and the trials of one end with its part. */
static void old_failures_share_their_time(void **state)
{
    (void)state;
    uint64_t now = clock_now(), until = now + 9 * CLOCK_SECOND;
    assert_int_equal(fuzz_turn_end(now, until, 3), now + 3 * CLOCK_SECOND);
    assert_int_equal(fuzz_turn_end(until, until, 2), until);
    struct sweep sweep = {.trials_end = now + 3600 * CLOCK_SECOND};
    assert_int_equal(trial_cut(&sweep, 40 * CLOCK_SECOND, 0), 40 * CLOCK_SECOND);
    assert_in_range(trial_cut(&sweep, 7200 * CLOCK_SECOND, 0), 3000 * CLOCK_SECOND, 3600 * CLOCK_SECOND);
    sweep.trials_end = now;
    assert_int_equal(trial_cut(&sweep, 40 * CLOCK_SECOND, 0), 0);
    assert_int_equal(trial_cut(&sweep, 40 * CLOCK_SECOND, CLOCK_SECOND), CLOCK_SECOND);
    sweep.trials_end = 0; /* in a round of its own, and in a sweep */
    assert_int_equal(trial_cut(&sweep, 40 * CLOCK_SECOND, 0), 40 * CLOCK_SECOND);
}

/* In 100 s: when each callable had a turn, or after 50 s. */
static void mixes_come_later(void **state)
{
    (void)state;
    struct sweep sweep = {.began = 1000, .deadline = 1000 + 100 * CLOCK_SECOND};
    struct fuzz fuzz = {.sweep = &sweep};
    assert_false(fuzz_is_for_mixes(&fuzz, sweep.began + 49 * CLOCK_SECOND));
    assert_true(fuzz_is_for_mixes(&fuzz, sweep.began + 51 * CLOCK_SECOND));
    fuzz.passed = true;
    assert_true(fuzz_is_for_mixes(&fuzz, sweep.began + 10 * CLOCK_SECOND));
}

static void depth_begins_at_the_target(void **state)
{
    (void)state;
    char *targets[] = {"a.b", "a.b.c:f"};
    const struct fuzz fuzz = {.targets = targets, .ntargets = 2};
    assert_int_equal(fuzz_depth(&fuzz, "a.b.x"), 1);
    assert_int_equal(fuzz_depth(&fuzz, "a.b.c.x"), 2);
    assert_int_equal(fuzz_depth(&fuzz, "a.b.c.f"), 1);
    assert_int_equal(fuzz_depth(&fuzz, "a.b.c.f.method"), 2);
    assert_int_equal(fuzz_depth(&fuzz, "a.other"), UINT_MAX);
}

/* A window of the module's functions lies among nine of a submodule. */
static void own_callables_come_first(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    char *targets[] = {"t"};
    world.fuzz.targets = targets;
    world.fuzz.ntargets = 1;
    for (unsigned i = 0; i < 10 * OF_WINDOW; i++)
        json_array_append_new(world.fuzz.entries,
                              json_pack("{s:o, s:s, s:s, s:[s]}", "name",
                                        json_sprintf(i / OF_WINDOW == 7 ? "t.f%u" : "t.sub.f%u", i), "module",
                                        "t", "make", "", "calls", "t.f(vec)"));
    for (unsigned turn = 0; turn < 5; turn++) {
        json_auto_t *drawn = fuzz_draw_round(&world.fuzz);
        const char *name = json_string_value(json_object_get(json_array_get(drawn, 0), "name"));
        assert_int_equal(strncmp(name, "t.f", 3) == 0, turn == 0);
    }
    end(&world);
}

static unsigned count_calls(struct world *world, const char *name)
{
    size_t i;
    const json_t *entry;
    unsigned n = 0;
    json_auto_t *drawn = fuzz_draw_round(&world->fuzz);
    json_array_foreach (drawn, i, entry)
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0)
            n += json_array_size(json_object_get(entry, "calls"));
    world->fuzz.rounds++;
    return n;
}

/* A callable of which the first calls raised has one more turn at once, and no third one before the others. */
static void a_callable_that_raises_has_a_second_turn(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    for (unsigned i = 0; i < 6 * OF_WINDOW; i++)
        json_array_append_new(world.fuzz.entries,
                              json_pack("{s:o, s:s, s:s, s:[s]}", "name", json_sprintf("t.g%u", i), "module",
                                        "t", "make", "", "calls", "t.g(vec)"));
    json_object_set_new(world.fuzz.thin, "t.g1", json_integer(0));
    world.fuzz.rounds = 1;
    unsigned first = count_calls(&world, "t.g1"), others = 0;
    for (unsigned i = 0; i < 2; i++)
        others += count_calls(&world, "t.g1");
    assert_int_equal(first, 1);
    assert_in_range(others, 0, 1);
    end(&world);
}

static void a_slow_callable_is_slow_for_each_call(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    assert_false(unit_is_slow(&world.unit, 2));
    world.unit.used[2] = CALLS_OF(2) * CLOCK_SECOND / 10000;
    assert_false(unit_is_slow(&world.unit, 2));
    world.unit.used[2] = CALLS_OF(2) * CLOCK_SECOND / 1000;
    assert_true(unit_is_slow(&world.unit, 2));
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_meets_as_often),
        cmocka_unit_test(many_calls_run_in_one_sequence),
        cmocka_unit_test(spent_callables_are_left_out),
        cmocka_unit_test(calls_on_one_array_come_first),
        cmocka_unit_test(methods_of_one_class_share_an_object),
        cmocka_unit_test(keywords_have_their_turns),
        cmocka_unit_test(threads_have_half_of_the_time),
        cmocka_unit_test(mixes_come_later),
        cmocka_unit_test(old_failures_share_their_time),
        cmocka_unit_test(a_callable_that_raises_has_a_second_turn),
        cmocka_unit_test(depth_begins_at_the_target),
        cmocka_unit_test(own_callables_come_first),
        cmocka_unit_test(a_slow_callable_is_slow_for_each_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
