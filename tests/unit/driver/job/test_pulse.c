/* The time that counts against a child without progress: in sums, and of a process of this test. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "driver/job/pulse.h"

#define MS UINT64_C(1000000)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t count(const struct pulse_sight *sights, size_t n, unsigned processors)
{
    struct pulse pulse = {0};
    pulse_add(&pulse, 100 * MS, sights, n, processors);
    assert_int_equal(pulse.passed, 100 * MS);
    return pulse.counted / MS;
}

static void time_counts_by_what_the_threads_could_use(void **state)
{
    (void)state;
    static const struct {
        struct pulse_sight sights[3];
        size_t n;
        unsigned processors;
        uint64_t counted;
    } rows[] = {
        {{{0, 0, 'S'}, {0, 0, 'S'}}, 2, 2, 100},          /* all asleep */
        {{{100 * MS, 0, 'R'}, {0, 0, 'S'}}, 2, 2, 100},   /* one has a processor */
        {{{2 * MS, 98 * MS, 'R'}, {0, 0, 'S'}}, 2, 2, 2}, /* one starves */
        {{{0, 0, 'R'}}, 1, 2, 0},                         /* its wait is not over yet */
        {{{2 * MS, 900 * MS, 'S'}}, 1, 2, 2},             /* that wait, later */
        {{{70 * MS, 30 * MS, 'R'}, {60 * MS, 40 * MS, 'R'}, {70 * MS, 30 * MS, 'R'}},
         3,
         2,
         100}, /* their own crowd */
        {{{20 * MS, 80 * MS, 'R'}, {20 * MS, 80 * MS, 'R'}, {20 * MS, 80 * MS, 'R'}}, 3, 2, 30},
        {{{1 * MS, 0, 'S'}}, 1, 2, 100},       /* wakes for moments */
        {{{1 * MS, 9 * MS, 'S'}}, 1, 2, 91},   /* late for one of them */
        {{{0, 0, 'D'}, {0, 0, 'S'}}, 2, 2, 0}, /* reads a disk */
        {{{50 * MS, 0, 'D'}}, 1, 2, 50},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(count(rows[i].sights, rows[i].n, rows[i].processors), rows[i].counted);
}

static void a_disk_wait_ends(void **state)
{
    (void)state;
    static const struct pulse_sight sight = {0, 0, 'D'};
    struct pulse pulse = {0};
    for (uint64_t i = 0; i < PULSE_DISK_MOST / CLOCK_SECOND; i++) {
        assert_int_equal(pulse.counted, 0);
        pulse_add(&pulse, CLOCK_SECOND, &sight, 1, 1);
    }
    pulse_add(&pulse, CLOCK_SECOND, &sight, 1, 1);
    assert_true(pulse.counted >= CLOCK_SECOND);
    pulse_reset(&pulse);
    assert_int_equal(pulse.counted + pulse.passed + pulse.disk, 0);
}

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 300 * 1000000L}, NULL);
}

/* Returns what two looks at a process find, 300 ms or more apart. */
static struct pulse look_twice(pid_t pid)
{
    struct pulse pulse = {0};
    pulse_look(&pulse, pid, clock_now());
    rest();
    pulse_look(&pulse, pid, clock_now());
    assert_int_equal(pulse.nthreads, 1);
    struct pulse found = pulse;
    pulse_clear(&pulse);
    return found;
}

static void a_process_that_sleeps_has_its_time(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    rest();
    struct pulse pulse = look_twice(pid);
    assert_int_equal(pulse.ran, 0);
    assert_int_equal(pulse.counted, pulse.passed);
    assert_int_equal(pulse_state(pid), 'S');
    kill(pid, SIGSTOP);
    rest();
    assert_int_equal(pulse_state(pid), 'T');
    kill(pid, SIGKILL);
}

static void a_process_that_spins_has_the_time_that_it_runs(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        for (volatile int i = 0;; i = i + 1) {
        }
    struct pulse pulse = look_twice(pid);
    kill(pid, SIGKILL);
    assert_true(pulse.ran > 0 && pulse.ran <= pulse.passed);
    /* The kernel adds the time of a thread that runs once in a tick. */
    assert_in_range(pulse.counted, pulse.ran > 20 * MS ? pulse.ran - 20 * MS : 0, pulse.ran + 20 * MS);
}

static void a_driver_that_did_not_look_counts_a_second_at_most(void **state)
{
    (void)state;
    struct pulse pulse = {0};
    uint64_t now = clock_now();
    pulse_look(&pulse, getpid(), now);
    pulse_look(&pulse, getpid(), now + 3600 * CLOCK_SECOND);
    assert_int_equal(pulse.passed, CLOCK_SECOND);
    pulse_clear(&pulse);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_counts_by_what_the_threads_could_use),
        cmocka_unit_test(a_disk_wait_ends),
        cmocka_unit_test(a_process_that_sleeps_has_its_time),
        cmocka_unit_test(a_process_that_spins_has_the_time_that_it_runs),
        cmocka_unit_test(a_driver_that_did_not_look_counts_a_second_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
