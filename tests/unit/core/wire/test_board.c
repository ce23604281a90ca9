/* The board: sums, the overlap meter, and one page that two mappings and many threads share. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/wire/board.h"

#define WORKERS 8
#define CALLS 50000

static struct board *open_private(void)
{
    struct board *board;
    assert_int_equal(board_open(-1, &board), 0);
    return board;
}

static void a_new_board_is_zero(void **state)
{
    (void)state;
    struct board *board = open_private();
    struct board_totals totals;
    board_sum(board, &totals);
    assert_true(totals.calls == 0 && totals.sampled == 0 && totals.overlapped == 0 && totals.progress == 0);
    assert_false(board_others_inside(board, PLAN_THREADS_MAX, 0));
    assert_int_equal(board->phase, BOARD_START);
    board_close(board);
    board_close(NULL);
}

static void slots_do_not_share_lines(void **state)
{
    (void)state;
    struct board *board = open_private();
    assert_int_equal(sizeof board->slots[0] % 128, 0);
    assert_int_equal((uintptr_t)&board->slots[0] % 128, 0);
    board_close(board);
}

static void sums_are_over_the_workers(void **state)
{
    (void)state;
    struct board *board = open_private();
    struct board_totals totals;
    for (unsigned i = 0; i < PLAN_THREADS_MAX; i++) {
        board_leave(&board->slots[i], i);
        board->slots[i].sampled = 3;
        board->slots[i].overlapped = 1;
    }
    board_sum(board, &totals);
    assert_int_equal(totals.calls, PLAN_THREADS_MAX * (PLAN_THREADS_MAX + 1) / 2);
    assert_int_equal(totals.sampled, 3 * PLAN_THREADS_MAX);
    assert_int_equal(totals.overlapped, PLAN_THREADS_MAX);
    board_close(board);
}

static uint64_t progress(const struct board *board)
{
    struct board_totals totals;
    board_sum(board, &totals);
    return totals.progress;
}

static void the_main_thread_counts_in_progress_only(void **state)
{
    (void)state;
    struct board *board = open_private();
    struct board_totals totals;
    board_leave(&board->slots[BOARD_MAIN], 9);
    board->slots[BOARD_MAIN].sampled = 5;
    board_sum(board, &totals);
    assert_true(totals.calls == 0 && totals.sampled == 0 && totals.progress > 0);
    board_close(board);
}

static void progress_moves_with_everything(void **state)
{
    (void)state;
    struct board *board = open_private();
    uint64_t before = progress(board);
    board_enter(&board->slots[2], 0);
    assert_true(progress(board) != before);
    before = progress(board);
    board_leave(&board->slots[2], 0);
    assert_true(progress(board) != before);
    before = progress(board);
    board->rounds++;
    assert_true(progress(board) != before);
    before = progress(board);
    board->phase = BOARD_RUN;
    assert_true(progress(board) != before);
    board_close(board);
}

static void a_call_is_counted_when_it_ends(void **state)
{
    (void)state;
    struct board *board = open_private();
    struct board_totals totals;
    board_enter(&board->slots[0], 0);
    board_sum(board, &totals);
    assert_int_equal(totals.calls, 0);
    board_leave(&board->slots[0], 0);
    board_enter(&board->slots[0], 1);
    board_sum(board, &totals);
    assert_int_equal(totals.calls, 1);
    board_close(board);
}

/* One thread inside: all others see it, it does not see itself. */
static void others_inside_sees_every_other(void **state)
{
    (void)state;
    static const unsigned sizes[] = {1, 2, 3, 64, PLAN_THREADS_MAX};
    struct board *board = open_private();
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (unsigned inside = 0; inside < sizes[s]; inside++) {
            board_enter(&board->slots[inside], 4);
            for (unsigned self = 0; self < sizes[s]; self++)
                assert_int_equal(board_others_inside(board, sizes[s], self), self != inside);
            board_leave(&board->slots[inside], 4);
        }
    board_close(board);
}

static void others_inside_looks_at_this_run_only(void **state)
{
    (void)state;
    struct board *board = open_private();
    board_enter(&board->slots[4], 0);
    board_enter(&board->slots[BOARD_MAIN], 0);
    for (unsigned self = 0; self < 4; self++)
        assert_false(board_others_inside(board, 4, self));
    board_close(board);
}

static void create_and_open_share_memory(void **state)
{
    (void)state;
    struct board *driver, *child;
    cleanup_fd int fd = -1;
    assert_int_equal(board_create(&fd, &driver), 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(board_open(fd, &child), 0);
    assert_ptr_not_equal(driver, child);
    board_leave(&child->slots[7], 11);
    driver->ask = 1;
    assert_int_equal(driver->slots[7].sequence, 24);
    assert_int_equal(child->ask, 1);
    board_close(child);
    assert_int_equal(driver->slots[7].sequence, 24);
    board_close(driver);
}

static void the_board_outlives_the_child(void **state)
{
    (void)state;
    struct board *board, *mine;
    cleanup_fd int fd = -1;
    int status;
    assert_int_equal(board_create(&fd, &board), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (board_open(fd, &mine) == 0)
            board_enter(&mine->slots[1], 20);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(board->slots[1].sequence, 41);
    board_close(board);
}

static void a_bad_descriptor_is_an_error(void **state)
{
    (void)state;
    struct board *board;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_true(board_open(ends[0], &board) < 0);
    fd_close(&ends[0]);
    fd_close(&ends[1]);
}

/* What a worker does around each call; the driver sums meanwhile. */
struct worker {
    struct board *board;
    unsigned number;
    uint64_t overlapped;
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct board_slot *slot = &worker->board->slots[worker->number];
    for (uint64_t i = 0; i < CALLS; i++) {
        board_enter(slot, i);
        worker->overlapped += board_others_inside(worker->board, WORKERS, worker->number);
        atomic_store_explicit(&slot->sampled, i + 1, memory_order_relaxed);
        atomic_store_explicit(&slot->overlapped, worker->overlapped, memory_order_relaxed);
        board_leave(slot, i);
    }
    return NULL;
}

static void threads_and_the_driver_at_once(void **state)
{
    (void)state;
    struct board *board = open_private();
    struct worker workers[WORKERS];
    struct board_totals totals = {0};
    pthread_t threads[WORKERS];
    uint64_t overlapped = 0, before = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){board, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    while (totals.calls < WORKERS * CALLS) {
        board_sum(board, &totals);
        assert_true(totals.progress >= before);
        before = totals.progress;
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        overlapped += workers[i].overlapped;
    }
    board_sum(board, &totals);
    assert_int_equal(totals.calls, WORKERS * CALLS);
    assert_int_equal(totals.sampled, WORKERS * CALLS);
    assert_int_equal(totals.overlapped, overlapped);
    board_close(board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_board_is_zero),
        cmocka_unit_test(slots_do_not_share_lines),
        cmocka_unit_test(sums_are_over_the_workers),
        cmocka_unit_test(the_main_thread_counts_in_progress_only),
        cmocka_unit_test(progress_moves_with_everything),
        cmocka_unit_test(a_call_is_counted_when_it_ends),
        cmocka_unit_test(others_inside_sees_every_other),
        cmocka_unit_test(others_inside_looks_at_this_run_only),
        cmocka_unit_test(create_and_open_share_memory),
        cmocka_unit_test(the_board_outlives_the_child),
        cmocka_unit_test(a_bad_descriptor_is_an_error),
        cmocka_unit_test(threads_and_the_driver_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
