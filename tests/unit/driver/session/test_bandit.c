/* Which arm has more turns. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "driver/session/bandit.h"

#define ARMS 4
#define TURNS 2000

/* Counts the turns of each arm; arm i finds one thing in each `every[i]`-th turn, 0: never. */
static void play(const unsigned every[ARMS], unsigned ret_turns[ARMS])
{
    static const bool all[ARMS] = {true, true, true, true};
    struct bandit bandit;
    bandit_init(&bandit, 7);
    for (unsigned i = 0; i < ARMS; i++)
        ret_turns[i] = 0;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        size_t arm = bandit_choose(&bandit, all, ARMS);
        assert_true(arm < ARMS);
        ret_turns[arm]++;
        bandit_reward(&bandit, arm, every[arm] && ret_turns[arm] % every[arm] == 0, 1);
    }
}

static void arms_that_find_nothing_have_equal_turns(void **state)
{
    (void)state;
    unsigned turns[ARMS];
    play((unsigned[ARMS]){0}, turns);
    for (unsigned i = 0; i < ARMS; i++)
        assert_in_range(turns[i], TURNS / ARMS / 2, TURNS / ARMS * 2);
}

static void the_best_arm_has_most_turns_and_none_is_forgotten(void **state)
{
    (void)state;
    unsigned turns[ARMS];
    play((unsigned[ARMS]){0, 50, 5, 0}, turns);
    assert_true(turns[2] > TURNS / 2);
    for (unsigned i = 0; i < ARMS; i++)
        assert_true(turns[i] > 1);
}

static void an_unwanted_arm_has_no_turn(void **state)
{
    (void)state;
    const bool second[ARMS] = {false, true, false, false}, none[ARMS] = {false};
    struct bandit bandit;
    bandit_init(&bandit, 7);
    assert_int_equal(bandit_choose(&bandit, second, ARMS), 1);
    assert_int_equal(bandit_choose(&bandit, none, ARMS), ARMS);
}

static void the_seed_decides(void **state)
{
    (void)state;
    const bool all[ARMS] = {true, true, true, true};
    struct bandit one, two;
    bandit_init(&one, 3);
    bandit_init(&two, 3);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(bandit_choose(&one, all, ARMS), bandit_choose(&two, all, ARMS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arms_that_find_nothing_have_equal_turns),
        cmocka_unit_test(the_best_arm_has_most_turns_and_none_is_forgotten),
        cmocka_unit_test(an_unwanted_arm_has_no_turn),
        cmocka_unit_test(the_seed_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
