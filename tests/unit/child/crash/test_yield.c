/* Yields of the target reach the kernel while threads run; before, one in 64 does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <sys/syscall.h>

#include "child/crash/yield.h"

static unsigned reached;

/* In place of the C library's. */
long syscall(long number, ...)
{
    reached += number == SYS_sched_yield;
    return 0;
}

static unsigned count_of(unsigned calls)
{
    reached = 0;
    for (unsigned i = 0; i < calls; i++)
        assert_int_equal(sched_yield(), 0);
    return reached;
}

static void only_threads_that_run_give_the_processor_away(void **state)
{
    (void)state;
    static struct board board;
    assert_int_equal(count_of(640), 10);
    yield_start(&board);
    atomic_store(&board.phase, BOARD_SERIAL);
    assert_int_equal(count_of(640), 10);
    atomic_store(&board.phase, BOARD_RUN);
    assert_int_equal(count_of(640), 640);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_threads_that_run_give_the_processor_away)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
