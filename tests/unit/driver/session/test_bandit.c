/* Which choice has more turns. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "driver/session/bandit.h"

#define CHOICES 4
#define TURNS 2000

/* Counts the turns of each choice; choice i finds one thing in each `every[i]`-th turn, 0: never. */
static void play(const unsigned every[CHOICES], unsigned ret_turns[CHOICES])
{
    static const bool all[CHOICES] = {true, true, true, true};
    struct bandit bandit;
    bandit_init(&bandit, 7);
    for (unsigned i = 0; i < CHOICES; i++)
        ret_turns[i] = 0;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        size_t at = bandit_choose(&bandit, all, CHOICES);
        assert_true(at < CHOICES);
        ret_turns[at]++;
        bandit_reward(&bandit, at, every[at] && ret_turns[at] % every[at] == 0, 1);
    }
}

static void choices_that_find_nothing_have_equal_turns(void **state)
{
    (void)state;
    unsigned turns[CHOICES];
    play((unsigned[CHOICES]){0}, turns);
    for (unsigned i = 0; i < CHOICES; i++)
        assert_in_range(turns[i], TURNS / CHOICES / 2, TURNS / CHOICES * 2);
}

static void the_best_choice_has_most_turns_and_none_is_forgotten(void **state)
{
    (void)state;
    unsigned turns[CHOICES];
    play((unsigned[CHOICES]){0, 50, 5, 0}, turns);
    assert_true(turns[2] > TURNS / 2);
    for (unsigned i = 0; i < CHOICES; i++)
        assert_true(turns[i] > 1);
}

static void an_unwanted_choice_has_no_turn(void **state)
{
    (void)state;
    const bool second[CHOICES] = {false, true, false, false}, none[CHOICES] = {false};
    struct bandit bandit;
    bandit_init(&bandit, 7);
    assert_int_equal(bandit_choose(&bandit, second, CHOICES), 1);
    assert_int_equal(bandit_choose(&bandit, none, CHOICES), CHOICES);
}

static void the_seed_decides(void **state)
{
    (void)state;
    const bool all[CHOICES] = {true, true, true, true};
    struct bandit one, two;
    bandit_init(&one, 3);
    bandit_init(&two, 3);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(bandit_choose(&one, all, CHOICES), bandit_choose(&two, all, CHOICES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_that_find_nothing_have_equal_turns),
        cmocka_unit_test(the_best_choice_has_most_turns_and_none_is_forgotten),
        cmocka_unit_test(an_unwanted_choice_has_no_turn),
        cmocka_unit_test(the_seed_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
