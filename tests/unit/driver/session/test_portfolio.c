/* The children of a run. No child is started; only the clock advances. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "driver/mode/mode.h"
#include "driver/session/portfolio.h"

#define MS (CLOCK_SECOND / 1000)
#define HOUR (3600 * CLOCK_SECOND)
#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
#define POINTS (PERTURB_DELAY | PERTURB_ALLOC | PERTURB_LOCKS)
#define OUTSIDE (BIT(CRASH) | BIT(HANG) | BIT(LOG))

/* The names of the first `most` members, with blanks between; "." stands where the run is over. */
static void assert_members(const struct plan *plan, unsigned most, const char *wanted)
{
    char names[256] = "";
    struct portfolio portfolio;
    struct plan child;
    const char *name;
    unsigned n = 0;
    for (portfolio_init(&portfolio, plan, &mode_plain_members);
         n < most && portfolio_next(&portfolio, &child, &name); n++) {
        strcat(strcat(names, n ? " " : ""), name);
        assert_int_equal(portfolio.started, n + 1);
        assert_int_equal(child.detect & ~plan->detect, 0);
        assert_int_equal(child.threads, strcmp(name, "serial") == 0 ? 1 : plan->threads);
    }
    if (n < most)
        strcat(names, " .");
    assert_string_equal(names, wanted);
}

static struct plan plan_for(uint32_t detect, uint64_t time, uint64_t iterations)
{
    struct plan plan;
    plan_init(&plan);
    plan.detect = detect;
    plan.time = time;
    plan.iterations = iterations;
    return plan;
}

/* The member's child in its turn of this number, from 1. */
static struct plan child_in_turn(const struct plan *plan, const char *wanted, unsigned turn)
{
    struct portfolio portfolio;
    struct plan child = {0};
    const char *name;
    portfolio_init(&portfolio, plan, &mode_plain_members);
    while (portfolio_next(&portfolio, &child, &name))
        if (strcmp(name, wanted) == 0 && --turn == 0)
            return child;
    fail_msg("no member is named %s", wanted);
    return child;
}

/* The member's child, when the portfolio has it among its first ones. */
static struct plan child_named(const struct plan *plan, const char *wanted)
{
    return child_in_turn(plan, wanted, 1);
}

static void all_members_come_in_turn_and_serial_once(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, HOUR, 0);
    assert_members(&plan, 15,
                   "watch first serial lockstep "
                   "serial tripwire guard bare watch watched lockstep first pyheap collect tripwire");
}

static void short_turns_come_first(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, 12 * CLOCK_SECOND, 0);
    /* with the time that a start takes most likely */
    assert_int_equal(child_in_turn(&plan, "watch", 1).time, (400 + 100) * MS);
    assert_int_equal(child_in_turn(&plan, "first", 1).time, (800 + 100) * MS);
    assert_int_equal(child_in_turn(&plan, "serial", 1).time, (40 + 100) * MS);
    assert_true(child_in_turn(&plan, "watch", 1).detect & BIT(GUARD));
    assert_false(child_in_turn(&plan, "watch", 2).detect & BIT(GUARD));
    assert_true(child_in_turn(&plan, "watch", 2).time > 800 * MS);
    plan.time = 6 * CLOCK_SECOND;
    assert_int_equal(child_in_turn(&plan, "watch", 1).time, (200 + 100) * MS);
    assert_true(child_in_turn(&plan, "watch", 2).time > 300 * MS);
}

static void few_members_or_a_short_time_need_no_opening(void **state)
{
    (void)state;
    struct plan plan = plan_for(BIT(WATCH) | BIT(GUARD), HOUR, 0);
    assert_members(&plan, 4, "guard watch guard watch");
    plan = plan_for(DETECTOR_DEFAULT, 3 * CLOCK_SECOND, 0);
    assert_members(&plan, 3, "serial tripwire guard");
}

/* Starts of `start` s each, of 20 s: turns of 0.4 s, twice that for first uses, and 0.04 s for the serial pass. */
static void assert_opening(double start, const char *wanted)
{
    struct plan plan = plan_for(DETECTOR_DEFAULT, 20 * CLOCK_SECOND, 0), child;
    struct portfolio portfolio;
    const char *name;
    char names[256] = "";
    portfolio_init(&portfolio, &plan, &mode_plain_members);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(portfolio_next(&portfolio, &child, &name));
        strcat(strcat(names, i ? " " : ""), name);
        portfolio_learn(&portfolio, 0, clock_seconds(child.time) + (i == 0 ? start : 0));
    }
    assert_string_equal(names, wanted);
}

static void slow_starts_end_the_opening(void **state)
{
    (void)state;
    assert_opening(0.1, "watch first serial lockstep serial tripwire");
    assert_opening(0.8, "watch first serial lockstep serial tripwire");
    assert_opening(1.5, "watch first serial tripwire guard bare");
    assert_opening(3, "watch serial tripwire guard bare watch");
}

static void counting_has_one_turn(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_ALL, HOUR, 0);
    assert_members(&plan, 15,
                   "watch first serial lockstep "
                   "serial counting tripwire guard bare watch watched lockstep first pyheap collect");
    assert_int_equal(child_named(&plan, "counting").detect, OUTSIDE | DETECTOR_COUNTERS);
    plan.detect = BIT(GROWTH) | BIT(CRASH);
    assert_members(&plan, 5, "counting bare lockstep first collect");
    plan.detect = BIT(REFCOUNT);
    assert_members(&plan, 4, "counting .");
    plan.time = 20 * CLOCK_SECOND;
    assert_true(child_named(&plan, "counting").time > 19 * CLOCK_SECOND);
    plan.detect |= BIT(GUARD);
    uint64_t third = child_named(&plan, "counting").time;
    assert_true(third > 6 * CLOCK_SECOND && third < 7 * CLOCK_SECOND);
    plan.threads = 1;
    assert_members(&plan, 4, "counting guard .");
}

static void detectors_choose_the_members(void **state)
{
    (void)state;
    static const struct {
        uint32_t detect;
        const char *members;
    } rows[] = {
        {BIT(CRASH), "bare lockstep first collect"},
        {OUTSIDE, "bare lockstep first collect"},
        {0, "bare bare bare bare"},
        {BIT(ARENA), "bare bare bare bare"},
        {BIT(GUARD), "guard guard guard guard"},
        {BIT(PYHEAP), "pyheap pyheap pyheap pyheap"},
        {BIT(TRIPWIRE), "serial tripwire tripwire tripwire"},
        {BIT(EXCEPTION), "serial bare lockstep first"},
        {BIT(DIVERGE), "watched lockstep first watched"},
        {BIT(HANG), "bare collect bare collect"},
        {BIT(INVARIANT), "serial watched watched watched"},
        {BIT(TRIPWIRE) | BIT(INVARIANT), "serial tripwire watched tripwire"},
        {BIT(GUARD) | BIT(CRASH), "guard bare lockstep first"},
        {BIT(WATCH), "watch watch watch watch"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan plan = plan_for(rows[i].detect, HOUR, 0);
        assert_members(&plan, 4, rows[i].members);
    }
}

static void each_member_has_its_own_detectors(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, 0, 10);
    const uint32_t inside = BIT(EXCEPTION) | BIT(INVARIANT);
    assert_int_equal(child_named(&plan, "serial").detect, OUTSIDE | inside | BIT(TRIPWIRE) | BIT(ARENA));
    assert_int_equal(child_named(&plan, "tripwire").detect, OUTSIDE | inside | BIT(DIVERGE) | BIT(TRIPWIRE));
    assert_int_equal(child_named(&plan, "guard").detect,
                     OUTSIDE | BIT(EXCEPTION) | BIT(DIVERGE) | BIT(GUARD));
    assert_int_equal(child_named(&plan, "bare").detect,
                     OUTSIDE | BIT(EXCEPTION) | BIT(DIVERGE) | BIT(ARENA) | BIT(HINT));
    assert_int_equal(child_named(&plan, "watched").detect, OUTSIDE | inside | BIT(DIVERGE));
    assert_int_equal(child_named(&plan, "pyheap").detect,
                     OUTSIDE | BIT(EXCEPTION) | BIT(DIVERGE) | BIT(PYHEAP) | BIT(HINT));
}

static void a_plan_of_first_uses_has_no_other_children_with_threads(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, HOUR, 0);
    plan.perturb = PERTURB_FIRST;
    assert_members(&plan, 5, "serial bare watched lockstep first");
    assert_int_equal(child_named(&plan, "bare").detect, OUTSIDE | BIT(EXCEPTION) | BIT(DIVERGE));
    assert_int_equal(child_named(&plan, "serial").perturb, 0);
    assert_true(child_named(&plan, "serial").detect & BIT(TRIPWIRE));
}

static void one_thread_is_the_serial_pass(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, HOUR, 0);
    plan.threads = 1;
    assert_members(&plan, 4, "serial guard pyheap .");
    assert_true(child_named(&plan, "pyheap").time > HOUR - CLOCK_SECOND);
    uint64_t third = child_named(&plan, "serial").time;
    assert_true(third > HOUR / 3 - CLOCK_SECOND && third <= HOUR / 3);
    plan.detect = BIT(CRASH);
    assert_members(&plan, 4, "serial .");
    plan.native = (char *)"null";
    assert_members(&plan, 4, "serial .");
}

static void one_thread_starts_no_child_for_a_short_rest(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, 400 * MS, 0), child;
    struct portfolio portfolio;
    const char *name;
    plan.threads = 1;
    portfolio_init(&portfolio, &plan, &mode_plain_members);
    assert_true(portfolio_next(&portfolio, &child, &name));
    assert_string_equal(name, "serial");
    assert_false(portfolio_next(&portfolio, &child, &name));
}

static void a_native_step_has_no_serial_pass(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, HOUR, 0);
    plan.native = (char *)"strided";
    assert_members(&plan, 12,
                   "watch first lockstep tripwire guard bare watch watched lockstep first pyheap collect");
}

static void with_iterations_each_member_runs_once(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, 0, 50);
    assert_members(&plan, 12, "serial tripwire guard bare watch watched lockstep first pyheap collect .");
    assert_true(child_named(&plan, "serial").iterations == 50);
    assert_true(child_named(&plan, "bare").iterations == 50);
    assert_true(child_named(&plan, "bare").time == 0);
    plan.time = HOUR;
    assert_members(&plan, 12, "serial tripwire guard bare watch watched lockstep first pyheap collect .");
    assert_true(child_named(&plan, "bare").iterations == 50);
}

static void without_any_end_each_member_runs_once(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, 0, 0);
    assert_members(&plan, 12, "serial tripwire guard bare watch watched lockstep first pyheap collect .");
    assert_true(child_named(&plan, "serial").iterations > 0);
}

static void a_focus_is_the_next_child_and_once(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, HOUR, 0), child;
    struct portfolio portfolio;
    const char *name;
    portfolio_init(&portfolio, &plan, &mode_plain_members);
    portfolio_focus(&portfolio, "arrays");
    assert_true(portfolio_next(&portfolio, &child, &name));
    assert_string_equal(name, "focus");
    assert_string_equal(child.focus, "arrays");
    assert_true(child.detect & BIT(GUARD));
    assert_true(portfolio_next(&portfolio, &child, &name));
    assert_string_equal(name, "watch");
    assert_null(child.focus);
}

static void a_focus_of_the_users_own_is_every_childs(void **state)
{
    (void)state;
    struct plan plan = plan_for(BIT(GUARD), HOUR, 0), child;
    struct portfolio portfolio;
    const char *name;
    plan.focus = (char *)"*";
    portfolio_init(&portfolio, &plan, &mode_plain_members);
    portfolio_focus(&portfolio, "arrays");
    assert_true(portfolio_next(&portfolio, &child, &name));
    assert_string_equal(name, "guard");
    assert_string_equal(child.focus, "*");
}

static void slices_are_bounded(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, HOUR, 0);
    assert_true(child_in_turn(&plan, "serial", 2).time == 2 * CLOCK_SECOND);
    assert_true(child_named(&plan, "bare").time == 1500 * MS);
    assert_true(child_in_turn(&plan, "bare", 2).time == 4500 * MS);
    assert_true(child_in_turn(&plan, "bare", 4).time == 30 * CLOCK_SECOND);
    plan.time = 12 * CLOCK_SECOND;
    uint64_t serial = child_in_turn(&plan, "serial", 2).time;
    assert_true(serial > 1000 * MS && serial <= 1200 * MS);
    uint64_t share = child_named(&plan, "bare").time;
    assert_true(share > 1400 * MS && share <= 1500 * MS);
    plan.time = 6 * CLOCK_SECOND;
    uint64_t sixth = child_named(&plan, "bare").time; /* of the members that are left */
    assert_true(sixth > 800 * MS && sixth <= 1000 * MS);
}

static void without_detectors_one_child_has_all_the_time(void **state)
{
    (void)state;
    struct plan plan = plan_for(0, 12 * CLOCK_SECOND, 0);
    assert_true(child_named(&plan, "bare").time > 11 * CLOCK_SECOND);
}

static void a_short_run_gives_all_the_rest(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, CLOCK_SECOND, 0);
    uint64_t time = child_named(&plan, "tripwire").time;
    assert_true(time <= CLOCK_SECOND && time > CLOCK_SECOND / 2);
}

static void the_run_ends_with_its_time(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, 20 * MS, 0), child;
    struct portfolio portfolio;
    const char *name;
    portfolio_init(&portfolio, &plan, &mode_plain_members);
    for (int i = 0; i < 5; i++) {
        if (portfolio_next(&portfolio, &child, &name))
            assert_true(child.time > 0 && child.time <= 20 * MS);
        usleep(5000);
    }
    assert_false(portfolio_next(&portfolio, &child, &name));
    assert_true(portfolio.started <= 5);
}

static void threads_have_a_turn_when_the_time_is_over(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, 20 * MS, 0), child;
    struct portfolio portfolio;
    const char *name;
    portfolio_init(&portfolio, &plan, &mode_plain_members);
    assert_true(portfolio_next(&portfolio, &child, &name));
    assert_string_equal(name, "serial");
    usleep(30000);
    portfolio.start = 0.015;
    assert_true(portfolio_next(&portfolio, &child, &name));
    assert_string_equal(name, "tripwire");
    assert_true(child.time >= plan.time / 3 + 15 * MS && child.threads == plan.threads);
    assert_false(portfolio_next(&portfolio, &child, &name));
}

static void counting_has_its_turn_after_the_time(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct plan plan = plan_for(BIT(GROWTH) | BIT(EXCEPTION), 20 * MS, 0), child;
        struct portfolio portfolio;
        const char *name;
        plan.threads = threads;
        portfolio_init(&portfolio, &plan, &mode_plain_members);
        assert_true(portfolio_next(&portfolio, &child, &name));
        assert_string_equal(name, "serial");
        usleep(30000);
        assert_true(portfolio_next(&portfolio, &child, &name));
        assert_string_equal(name, "counting");
        assert_true(child.time >= plan.time / 3);
        assert_false(portfolio_next(&portfolio, &child, &name));
    }
}

static void the_child_is_the_plan_otherwise(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, 0, 10);
    plan.seed = 77;
    plan.share = RUNG_ALL;
    plan.setup = (char *)"import numpy";
    struct plan child = child_named(&plan, "watched");
    assert_true(child.seed == 77);
    assert_int_equal(child_named(&plan, "bare").perturb, 0);
    assert_int_equal(child.perturb, POINTS);
    assert_int_equal(child_named(&plan, "lockstep").perturb,
                     PERTURB_LOCKSTEP | PERTURB_FRESH | PERTURB_ALLOC | PERTURB_LOCKS);
    plan.perturb = PERTURB_COLLECT;
    assert_int_equal(child_named(&plan, "lockstep").perturb,
                     PERTURB_LOCKSTEP | PERTURB_FRESH | PERTURB_COLLECT);
    assert_int_equal(child_named(&plan, "watched").perturb, PERTURB_COLLECT);
    plan.perturb = PERTURB_STALL | PERTURB_COLLECT;
    assert_int_equal(child_named(&plan, "bare").perturb, PERTURB_STALL | PERTURB_COLLECT);
    assert_int_equal(child_named(&plan, "tripwire").perturb, PERTURB_COLLECT); /* its threads are behind it */
    plan.perturb = PERTURB_COLLECT;
    assert_int_equal(child_named(&plan, "serial").perturb, 0);
    assert_int_equal(child.share, RUNG_ALL);
    assert_ptr_equal(child.setup, plan.setup);
}

static void off_leaves_out_members_that_perturb(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, 0, 10);
    plan.perturb = PERTURB_OFF;
    assert_members(&plan, 20, "serial tripwire guard bare watched pyheap .");
    assert_true(child_named(&plan, "guard").perturb == PERTURB_OFF);
}

static void a_plan_may_name_its_members(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, 0, 10);
    struct sentence why;
    plan.members = (char *)"watch, bare";
    assert_members(&plan, 20, "bare watch .");
    assert_int_equal(member_check(&mode_plain_members, &plan, &why), 0);
    static const struct {
        const char *members;
        uint32_t perturb, threads;
        bool is_empty;
    } rows[] = {{"watch", PERTURB_OFF, 8, true},
                {"watch", 0, 1, true},
                {"counting", 0, 8, true},
                {"serial", 0, 8, true},
                {"serial", 0, 1, false},
                {"watch", 0, 8, false},
                {" ,", 0, 8, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plan other = plan;
        struct portfolio portfolio;
        other.members = (char *)rows[i].members;
        other.perturb = rows[i].perturb;
        other.threads = rows[i].threads;
        portfolio_init(&portfolio, &other, &mode_plain_members);
        assert_int_equal(portfolio_is_empty(&portfolio), rows[i].is_empty);
    }
    plan.members = (char *)" ,";
    assert_members(&plan, 2, "serial tripwire");
    plan.members = (char *)"watch,bar";
    assert_int_equal(member_check(&mode_plain_members, &plan, &why), -EINVAL);
    assert_string_equal(why.what, "members: no kind of child is named 'bar'");
    assert_non_null(strstr(why.remedy, "give some of serial, counting, tripwire, guard, bare, "));
}

/* The plan of a child is what a finding keeps: the same child comes first, however short its time is. */
static void the_plan_of_a_child_is_for_that_child(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT, 10 * CLOCK_SECOND, 0), child, again;
    struct portfolio portfolio, repeated;
    const char *name, *other;
    portfolio_init(&portfolio, &plan, &mode_plain_members);
    for (unsigned i = 0; i < 10 && portfolio_next(&portfolio, &child, &name); i++) {
        portfolio_init(&repeated, &child, &mode_plain_members);
        assert_true(portfolio_next(&repeated, &again, &other));
        assert_string_equal(other, name);
        assert_int_equal(again.detect, child.detect);
        assert_int_equal(again.perturb, child.perturb);
        assert_int_equal(child.draw, i);
        assert_int_equal(again.draw, i);
        assert_in_range(again.time, child.time / 2, child.time);
        portfolio_learn(&portfolio, 0, 0.1);
    }
}

/* Adds a child to the log. */
static void log_child(struct run *run, const char *member, uint64_t calls)
{
    assert_int_equal(run_log_child(run, &(struct child_entry){.member = member, .calls = calls}), 0);
}

static void members_without_a_call_are_listed(void **state)
{
    (void)state;
    struct plan plan = plan_for(DETECTOR_DEFAULT & ~BIT(TRIPWIRE), HOUR, 0);
    struct portfolio portfolio;
    struct run run = {0};
    portfolio_init(&portfolio, &plan, &mode_plain_members);
    log_child(&run, "pyheap", 7); /* of an earlier plan */
    log_child(&run, "serial", 0);
    log_child(&run, "bare", 100);
    log_child(&run, "guard", 0); /* its start took all of its time */
    struct child_entry unfit = {.member = "first", .unfit = true};
    assert_int_equal(run_log_child(&run, &unfit), 0);
    for (int i = 0; i < 2; i++) {
        portfolio_list_no_turn(&portfolio, &run, 1);
        assert_int_equal(run.nno_turn, 6); /* first has a note of its own */
        assert_string_equal(run.no_turn[0], "guard");
        assert_string_equal(run.no_turn[1], "watch");
        assert_string_equal(run.no_turn[2], "watched");
        assert_string_equal(run.no_turn[3], "lockstep");
        assert_string_equal(run.no_turn[4], "pyheap");
        assert_string_equal(run.no_turn[5], "collect");
    }
    run_clear(&run);
}

/* Counts the turns of a member among 200, after a turn of each in which `finds`, and later ones of it, found one. */
static unsigned count_turns(const char *counted, const char *finds)
{
    struct plan plan = plan_for(DETECTOR_DEFAULT, HOUR, 0), child;
    struct portfolio portfolio;
    const char *name;
    unsigned turns = 0;
    portfolio_init(&portfolio, &plan, &mode_plain_members);
    for (unsigned i = 0; i < 200; i++) {
        assert_true(portfolio_next(&portfolio, &child, &name));
        turns += strcmp(name, counted) == 0;
        portfolio_learn(&portfolio, strcmp(name, finds) == 0, 1);
    }
    return turns;
}

static void what_finds_has_more_turns(void **state)
{
    (void)state;
    unsigned equal = count_turns("bare", "");
    assert_true(count_turns("bare", "bare") > 4 * equal);
    assert_true(count_turns("bare", "tripwire") < equal);
    assert_true(count_turns("bare", "tripwire") > 1);
    assert_int_equal(count_turns("serial", "serial"), 2); /* one is in the opening */
}

/* A new detector that has no member would never run. */
static void each_detector_has_a_member(void **state)
{
    (void)state;
    static const uint32_t of_a_mode = BIT(MEMCHECK) | BIT(OUTCOME) | BIT(TSAN);
    for (int id = 0; id < DETECTOR_COUNT; id++) {
        struct plan plan = plan_for(DETECTOR_BIT(id), 0, 10), child;
        struct portfolio portfolio;
        const char *name;
        portfolio_init(&portfolio, &plan, &mode_plain_members);
        assert_true(portfolio_next(&portfolio, &child, &name));
        if (!(DETECTOR_BIT(id) & of_a_mode) && child.detect != DETECTOR_BIT(id))
            fail_msg("no member of the portfolio runs %s", detector_rows[id].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_members_come_in_turn_and_serial_once),
        cmocka_unit_test(short_turns_come_first),
        cmocka_unit_test(few_members_or_a_short_time_need_no_opening),
        cmocka_unit_test(slow_starts_end_the_opening),
        cmocka_unit_test(counting_has_one_turn),
        cmocka_unit_test(detectors_choose_the_members),
        cmocka_unit_test(each_member_has_its_own_detectors),
        cmocka_unit_test(a_plan_of_first_uses_has_no_other_children_with_threads),
        cmocka_unit_test(one_thread_is_the_serial_pass),
        cmocka_unit_test(one_thread_starts_no_child_for_a_short_rest),
        cmocka_unit_test(a_native_step_has_no_serial_pass),
        cmocka_unit_test(with_iterations_each_member_runs_once),
        cmocka_unit_test(without_any_end_each_member_runs_once),
        cmocka_unit_test(what_finds_has_more_turns),
        cmocka_unit_test(a_focus_is_the_next_child_and_once),
        cmocka_unit_test(a_focus_of_the_users_own_is_every_childs),
        cmocka_unit_test(slices_are_bounded),
        cmocka_unit_test(without_detectors_one_child_has_all_the_time),
        cmocka_unit_test(a_short_run_gives_all_the_rest),
        cmocka_unit_test(the_run_ends_with_its_time),
        cmocka_unit_test(threads_have_a_turn_when_the_time_is_over),
        cmocka_unit_test(counting_has_its_turn_after_the_time),
        cmocka_unit_test(the_child_is_the_plan_otherwise),
        cmocka_unit_test(off_leaves_out_members_that_perturb),
        cmocka_unit_test(a_plan_may_name_its_members),
        cmocka_unit_test(the_plan_of_a_child_is_for_that_child),
        cmocka_unit_test(each_detector_has_a_member),
        cmocka_unit_test(members_without_a_call_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
