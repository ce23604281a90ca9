/* The barrier: no thread leaves before the last has arrived, and writes before it are visible after it. The test uses
 * plain memory, so that ThreadSanitizer checks the order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "child/meet/barrier.h"

#define THREADS_MAX 64

/* Two waits in a round: all write, wait, read, and wait. */
struct meeting {
    struct barrier barrier;
    unsigned threads, rounds;
    unsigned late_every; /* rounds between two late threads, which take turns; 0: no thread is late */
    uint64_t said[THREADS_MAX];
};

struct guest {
    struct meeting *meeting;
    unsigned number;
    unsigned wrong;
};

static uint64_t word(unsigned number, unsigned round)
{
    return (uint64_t)round * THREADS_MAX + number;
}

static void come_late(const struct guest *guest, unsigned round)
{
    const struct meeting *meeting = guest->meeting;
    if (meeting->late_every && round % meeting->late_every == 0 &&
        round / meeting->late_every % meeting->threads == guest->number)
        usleep(300);
}

static void *attend(void *argument)
{
    struct guest *guest = argument;
    struct meeting *meeting = guest->meeting;
    for (unsigned round = 0; round < meeting->rounds; round++) {
        come_late(guest, round);
        meeting->said[guest->number] = word(guest->number, round);
        barrier_wait(&meeting->barrier);
        for (unsigned i = 0; i < meeting->threads; i++)
            guest->wrong += meeting->said[i] != word(i, round);
        barrier_wait(&meeting->barrier);
    }
    return NULL;
}

static void hold(struct meeting *meeting)
{
    struct guest guests[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    for (unsigned i = 0; i < meeting->threads; i++) {
        guests[i] = (struct guest){meeting, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, attend, &guests[i]), 0);
    }
    for (unsigned i = 0; i < meeting->threads; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(guests[i].wrong, 0);
    }
    assert_int_equal((uint32_t)meeting->barrier.state, 0);
}

static void meet(unsigned threads, unsigned rounds, unsigned late_every)
{
    struct meeting meeting = {.threads = threads, .rounds = rounds, .late_every = late_every};
    barrier_init(&meeting.barrier, threads);
    hold(&meeting);
}

static void one_thread_waits_for_no_other(void **state)
{
    (void)state;
    meet(1, 10000, 0);
}

static void two_threads_for_many_rounds(void **state)
{
    (void)state;
    meet(2, 20000, 0);
}

static void every_number_of_threads(void **state)
{
    (void)state;
    for (unsigned threads = 3; threads <= THREADS_MAX; threads += threads < 8 ? 1 : threads / 2)
        meet(threads, threads < 16 ? 2000 : 300, 0);
    meet(THREADS_MAX, 1000, 0);
}

static void a_late_thread_is_waited_for(void **state)
{
    (void)state;
    meet(2, 1000, 2);
    meet(8, 1000, 5);
}

/* Both ways to wait, whatever the number of cores here. */
static void it_spins_and_it_sleeps(void **state)
{
    (void)state;
    static const uint32_t spins[] = {0, 1, 100, 1000000};
    for (size_t i = 0; i < sizeof spins / sizeof *spins; i++) {
        struct meeting meeting = {.threads = 2, .rounds = 2000, .late_every = 50};
        barrier_init(&meeting.barrier, 2);
        meeting.barrier.spins = spins[i];
        hold(&meeting);
    }
}

static void it_spins_only_where_there_is_a_core_for_each(void **state)
{
    (void)state;
    struct barrier barrier;
    barrier_init(&barrier, (uint32_t)sysconf(_SC_NPROCESSORS_ONLN));
    assert_true(barrier.spins > 0);
    barrier_init(&barrier, (uint32_t)sysconf(_SC_NPROCESSORS_ONLN) + 1);
    assert_int_equal(barrier.spins, 0);
}

/* The generation is compared for equality alone: it may run over. */
static void the_generation_wraps(void **state)
{
    (void)state;
    struct meeting meeting = {.threads = 4, .rounds = 500};
    barrier_init(&meeting.barrier, 4);
    meeting.barrier.generation = UINT32_MAX - 100;
    hold(&meeting);
    assert_int_equal(meeting.barrier.generation, 2 * 500 - 101);
}

static void it_is_ready_for_other_threads(void **state)
{
    (void)state;
    struct meeting meeting = {.threads = 3, .rounds = 50};
    barrier_init(&meeting.barrier, 3);
    for (int i = 0; i < 50; i++)
        hold(&meeting);
}

/* A thread that leaves is not waited for: each goes after a number of meetings of its own. */
static void *attend_some(void *argument)
{
    struct guest *guest = argument;
    for (unsigned round = 0; round < 10 * guest->number; round++)
        barrier_meet(&guest->meeting->barrier);
    barrier_leave(&guest->meeting->barrier);
    return NULL;
}

static void those_who_leave_are_not_waited_for(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 16; threads *= 2)
        for (unsigned turn = 0; turn < 20; turn++) {
            struct meeting meeting = {.threads = threads};
            struct guest guests[THREADS_MAX];
            pthread_t ids[THREADS_MAX];
            barrier_init(&meeting.barrier, threads);
            for (unsigned i = 0; i < threads; i++) {
                guests[i] = (struct guest){&meeting, i, 0};
                assert_int_equal(pthread_create(&ids[i], NULL, attend_some, &guests[i]), 0);
            }
            for (unsigned i = 0; i < threads; i++)
                pthread_join(ids[i], NULL);
            assert_int_equal(meeting.barrier.state, 0);
            assert_int_equal(meeting.barrier.generation, 10 * (threads - 1));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_waits_for_no_other),
        cmocka_unit_test(two_threads_for_many_rounds),
        cmocka_unit_test(every_number_of_threads),
        cmocka_unit_test(a_late_thread_is_waited_for),
        cmocka_unit_test(it_spins_and_it_sleeps),
        cmocka_unit_test(it_spins_only_where_there_is_a_core_for_each),
        cmocka_unit_test(the_generation_wraps),
        cmocka_unit_test(it_is_ready_for_other_threads),
        cmocka_unit_test(those_who_leave_are_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
