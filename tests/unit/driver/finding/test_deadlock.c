/* Which thread waits for which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/finding/deadlock.h"

/* Thread `worker`, with the id worker + 100, waits for a lock that worker `holder` holds (-1: not known). */
static struct deadlock_wait wait_for(int worker, uint64_t lock, int holder)
{
    return (struct deadlock_wait){.tid = 100 + worker,
                                  .worker = worker,
                                  .lock = lock,
                                  .what = "mutex",
                                  .is_lock = true,
                                  .function = "take",
                                  .holder = holder < 0 ? 0 : 100 + holder};
}

static void cycles_are_found(void **state)
{
    (void)state;
    size_t cycle[4];
    const struct deadlock_wait two[] = {wait_for(0, 0xa, 1), wait_for(1, 0xb, 0)};
    assert_int_equal(deadlock_find_cycle(two, 2, cycle), 2);
    assert_int_equal(cycle[0], 0);
    assert_int_equal(cycle[1], 1);
    const struct deadlock_wait three[] = {wait_for(5, 0xa, 3), wait_for(1, 0xb, 2), wait_for(3, 0xc, 1),
                                          wait_for(2, 0xd, 3)};
    assert_int_equal(deadlock_find_cycle(three, 4, cycle), 3); /* 5 waits for it, and is not in it */
    assert_int_equal(cycle[0], 1);
    assert_int_equal(cycle[1], 3);
    assert_int_equal(cycle[2], 2);
    const struct deadlock_wait itself[] = {wait_for(0, 0xa, 0)};
    assert_int_equal(deadlock_find_cycle(itself, 1, cycle), 1);
}

static void no_cycle_is_made_up(void **state)
{
    (void)state;
    size_t cycle[4];
    const struct deadlock_wait chain[] = {wait_for(0, 0xa, 1), wait_for(1, 0xb, 2), wait_for(3, 0xb, 2)};
    assert_int_equal(deadlock_find_cycle(chain, 3, cycle), 0); /* 2 is busy */
    const struct deadlock_wait unknown[] = {wait_for(0, 0xa, -1), wait_for(1, 0xb, -1)};
    assert_int_equal(deadlock_find_cycle(unknown, 2, cycle), 0);
    assert_int_equal(deadlock_find_cycle(NULL, 0, cycle), 0);
}

static void cycles_are_named(void **state)
{
    (void)state;
    char text[512];
    size_t order[] = {0, 1};
    struct deadlock_wait waits[] = {wait_for(0, 0xa, 1), wait_for(1, 0xb, 0)};
    strcpy(waits[1].variable, "b in libx.so");
    deadlock_say_cycle(waits, order, 2, text, sizeof text);
    assert_string_equal(text, "thread 0 holds the mutex b and waits for the mutex at 0xa; "
                              "thread 1 holds the mutex at 0xa and waits for the mutex b");
    deadlock_say_cycle(waits, order, 1, text, sizeof text);
    assert_string_equal(text, "thread 0 holds the mutex at 0xa and waits for it again");
    deadlock_say_cycle(waits, order, 2, text, 24);
    assert_string_equal(text, "thread 0 holds the mute");
}

static void waits_for_one_lock_are_one_line(void **state)
{
    (void)state;
    char text[512];
    struct deadlock_wait waits[] = {wait_for(4, 0xa, 7), wait_for(1, 0xb, -1), wait_for(2, 0xa, 7),
                                    wait_for(0, 0xa, 7)};
    deadlock_say_waits(waits, 4, 0, "thread 7", text, sizeof text);
    assert_string_equal(text, "threads 4, 2 and 0 wait in take for the mutex at 0xa, held by thread 7");
    deadlock_say_waits(waits, 4, 1, NULL, text, sizeof text);
    assert_string_equal(text, "thread 1 waits in take for the mutex at 0xb, which does not say who holds it");
    deadlock_say_waits(waits, 4, 2, "thread 7", text, sizeof text);
    assert_string_equal(text, "");
    waits[1].worker = -1;
    waits[1].is_lock = false;
    strcpy(waits[1].where, "8 bytes into a block of 24 bytes");
    deadlock_say_waits(waits, 4, 1, NULL, text, sizeof text);
    assert_string_equal(
        text, "the thread with the id 101 waits in take for the mutex at 0xb (8 bytes into a block of "
              "24 bytes)");
}

static void locks_without_a_holder_are_counted(void **state)
{
    (void)state;
    struct deadlock_wait waits[] = {wait_for(0, 0xa, -1), wait_for(1, 0xb, -1), wait_for(2, 0xa, -1)};
    assert_int_equal(deadlock_count_unheld(waits, 3), 2);
    waits[2].is_lock = false;
    assert_int_equal(deadlock_count_unheld(waits, 3), 0);
    waits[2] = wait_for(2, 0xa, 0);
    assert_int_equal(deadlock_count_unheld(waits, 3), 0);
}

/* A thread that a collection stopped holds the lock for which others wait attached. */
static void a_collection_is_held_up(void **state)
{
    (void)state;
    char text[512];
    struct deadlock_wait waits[] = {wait_for(1, 0xa, 7), wait_for(4, 0xa, 7), wait_for(7, 0, -1),
                                    wait_for(2, 0, -1)};
    waits[2].is_stop = waits[3].is_stop = true;
    deadlock_say_stop(waits, 4, 2, text, sizeof text);
    assert_string_equal(text,
                        "threads 1 and 4 wait attached for the mutex at 0xa, and hold up the collection that "
                        "stopped its holder, thread 7");
    waits[0].holder = waits[1].holder = 0; /* a lock that does not name it */
    deadlock_say_stop(waits, 4, 2, text, sizeof text);
    assert_string_equal(text,
                        "threads 1 and 4 wait attached for the mutex at 0xa, and hold up the collection that "
                        "stopped the others");
    waits[0].holder = waits[1].holder = 105; /* it is busy, or ended */
    deadlock_say_stop(waits, 4, 2, text, sizeof text);
    assert_string_equal(text, "");
    waits[0] = wait_for(1, 0xb, 7); /* two locks */
    waits[1] = wait_for(4, 0xa, 7);
    deadlock_say_stop(waits, 4, 2, text, sizeof text);
    assert_string_equal(text, "");
    deadlock_say_stop(&waits[2], 2, 0, text, sizeof text);
    assert_string_equal(text, "");
    deadlock_say_stop(waits, 2, 2, text, sizeof text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cycles_are_found),
        cmocka_unit_test(no_cycle_is_made_up),
        cmocka_unit_test(cycles_are_named),
        cmocka_unit_test(waits_for_one_lock_are_one_line),
        cmocka_unit_test(locks_without_a_holder_are_counted),
        cmocka_unit_test(a_collection_is_held_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
