/* Stacks of a child's threads; the child must not notice. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "driver/symbol/symbol.h"
#include "forked.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The frames under test. */

static NOINLINE void *block_in_pause(void *argument)
{
    prctl(PR_SET_NAME, "in pause");
    shared->ready++;
    for (;;)
        pause();
    return argument;
}

static NOINLINE void *block_in_read(void *argument)
{
    char byte;
    prctl(PR_SET_NAME, "in (read) x");
    shared->ready++;
    while (read(*(int *)argument, &byte, 1) < 0)
        KEEP_FRAME();
    return argument;
}

static NOINLINE void *block_in_sem(void *argument)
{
    prctl(PR_SET_NAME, "in sem");
    shared->ready++;
    while (sem_wait(argument) < 0)
        KEEP_FRAME();
    return argument;
}

static NOINLINE void beat_forever(void)
{
    for (;;)
        shared->beats++;
}

static NOINLINE void block_in_handler(int number)
{
    shared->ready += number ? 1 : 0;
    for (;;)
        pause();
}

/* What children do. */

static void child_blocked(void)
{
    static pthread_t threads[3];
    static int ends[2];
    static sem_t semaphore;
    if (pipe(ends) < 0)
        _exit(1);
    sem_init(&semaphore, 0, 0);
    pthread_create(&threads[0], NULL, block_in_pause, NULL);
    pthread_create(&threads[1], NULL, block_in_read, &ends[0]);
    pthread_create(&threads[2], NULL, block_in_sem, &semaphore);
    beat_forever();
}

static void child_in_handler(void)
{
    signal(SIGILL, block_in_handler);
    trap_at_start();
    KEEP_FRAME();
}

static void count_signal(int number)
{
    shared->handled += number ? 1 : 0;
}

static void child_signalling(void)
{
    signal(SIGUSR1, count_signal);
    for (shared->ready++;; shared->beats++) {
        unsigned long before = shared->handled;
        raise(SIGUSR1);
        if (shared->handled != before + 1)
            shared->lost++;
    }
}

/* A parent in vfork waits where no signal and no tracer can stop it. */
static void child_in_vfork(void)
{
    pid_t pid = vfork();
    if (pid == 0) {
        shared->ready++;
        usleep(1500000);
        _exit(0);
    }
    for (;;)
        shared->beats++;
}

static void assert_beats(void)
{
    unsigned long before = shared->beats;
    for (int i = 0; i < 5000 && shared->beats == before; i++)
        usleep(1000);
    assert_true(shared->beats > before);
}

static char *status_line(pid_t pid, const char *key)
{
    char path[64], *text;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    assert_int_equal(fd_read_file(path, &text, NULL), 0);
    char *line = strstr(text, key);
    assert_non_null(line);
    char *value = strndup(line + strlen(key), strcspn(line + strlen(key), "\n"));
    free(text);
    return value;
}

static void assert_untraced(pid_t pid, const char *state)
{
    cleanup_free char *tracer = status_line(pid, "TracerPid:\t");
    cleanup_free char *now = status_line(pid, "State:\t");
    assert_string_equal(tracer, "0");
    assert_non_null(strchr(state, now[0]));
}

static size_t find_frame(const struct symbol_stack *stack, const char *function)
{
    for (size_t i = 0; i < stack->nframes; i++)
        if (stack->frames[i].function && strcmp(stack->frames[i].function, function) == 0)
            return i;
    fail_msg("%s is not on the stack", function);
    return 0;
}

static void assert_thread(const struct symbol_thread *threads, size_t n, const char *name,
                          const char *function)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(threads[i].name, name) != 0)
            continue;
        find_frame(&threads[i].stack, function);
        return;
    }
    fail_msg("no thread is named %s", name);
}

static void test_threads_of_a_child(void **state)
{
    (void)state;
    struct symbol_thread *threads;
    size_t n;
    pid_t pid = start(child_blocked, 3);
    assert_int_equal(symbols_threads(pid, NULL, 64, &threads, &n), 0);
    assert_int_equal(n, 4);
    assert_thread(threads, n, "in pause", "block_in_pause");
    assert_thread(threads, n, "in (read) x", "block_in_read");
    assert_thread(threads, n, "in sem", "block_in_sem");
    assert_int_equal(threads[0].tid, pid);
    assert_true(find_frame(&threads[0].stack, "beat_forever") < find_frame(&threads[0].stack, "main"));
    for (size_t i = 0; i < n; i++)
        assert_untraced(threads[i].tid, i == 0 ? "RS" : "S");
    assert_beats();
    symbol_threads_free(threads, n);
    assert_int_equal(symbols_threads(pid, NULL, 2, &threads, &n), 0);
    assert_int_equal(n, 2);
    symbol_threads_free(threads, n);
    kill_and_check(pid);
}

static void test_signal_handler(void **state)
{
    (void)state;
    struct symbol_thread *threads;
    size_t n;
    pid_t pid = start(child_in_handler, 1);
    assert_int_equal(symbols_threads(pid, NULL, 64, &threads, &n), 0);
    assert_int_equal(n, 1);
    size_t handler = find_frame(&threads[0].stack, "block_in_handler");
    size_t trap = find_frame(&threads[0].stack, "trap_at_start");
    assert_int_equal(trap, handler + 2);
    assert_int_equal(threads[0].stack.frames[trap].address, (uint64_t)trap_at_start);
    find_frame(&threads[0].stack, "child_in_handler");
    symbol_threads_free(threads, n);
    kill_and_check(pid);
}

static void test_stopped_child_stays_stopped(void **state)
{
    (void)state;
    struct symbol_thread *threads;
    size_t n;
    int status;
    pid_t pid = start(child_blocked, 3);
    kill(pid, SIGSTOP);
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_int_equal(symbols_threads(pid, NULL, 64, &threads, &n), 0);
    assert_int_equal(n, 4);
    assert_thread(threads, n, "in sem", "block_in_sem");
    for (size_t i = 0; i < n; i++)
        assert_untraced(threads[i].tid, "T");
    symbol_threads_free(threads, n);
    kill(pid, SIGCONT);
    assert_beats();
    kill_and_check(pid);
}

static void test_threads_that_come_and_go(void **state)
{
    (void)state;
    pid_t pid = start(child_churning, 1);
    for (int i = 0; i < 20; i++) {
        struct symbol_thread *threads;
        size_t n;
        assert_int_equal(symbols_threads(pid, NULL, 64, &threads, &n), 0);
        assert_true(n >= 1);
        symbol_threads_free(threads, n);
        assert_beats();
    }
    kill_and_check(pid);
}

static void test_no_signal_is_lost(void **state)
{
    (void)state;
    pid_t pid = start(child_signalling, 1);
    for (int i = 0; i < 20; i++) {
        struct symbol_thread *threads;
        size_t n;
        assert_int_equal(symbols_threads(pid, NULL, 64, &threads, &n), 0);
        symbol_threads_free(threads, n);
        assert_beats();
    }
    assert_int_equal(shared->lost, 0);
    kill_and_check(pid);
}

static void *kill_soon(void *argument)
{
    pid_t pid = *(pid_t *)argument;
    usleep((useconds_t)(pid * 37 % 2000));
    kill(pid, SIGKILL);
    return NULL;
}

static void test_child_killed_meanwhile(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct symbol_thread *threads;
        size_t n;
        pthread_t killer;
        pid_t pid = i % 2 ? start(child_blocked, 3) : start(child_churning, 1);
        pthread_create(&killer, NULL, kill_soon, &pid);
        int error = symbols_threads(pid, NULL, 64, &threads, &n);
        assert_true(error == 0 || error == -ESRCH);
        if (!error)
            symbol_threads_free(threads, n);
        pthread_join(killer, NULL);
        kill_and_check(pid);
    }
}

static void test_child_that_cannot_stop(void **state)
{
    (void)state;
    struct symbol_thread *threads;
    size_t n;
    pid_t pid = start(child_in_vfork, 1);
    uint64_t before = clock_now();
    assert_int_equal(symbols_threads(pid, NULL, 64, &threads, &n), -ESRCH);
    assert_true(clock_now() - before < 5 * CLOCK_SECOND);
    assert_beats();
    assert_untraced(pid, "RS");
    kill_and_check(pid);
}

static void test_dead_pid(void **state)
{
    (void)state;
    struct symbol_thread *threads;
    size_t n;
    pid_t pid = fork();
    if (pid == 0)
        _exit(3);
    int status;
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    assert_int_equal(symbols_threads(pid, NULL, 64, &threads, &n), -ESRCH);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_int_equal(symbols_threads(pid, NULL, 64, &threads, &n), -ESRCH);
    assert_int_equal(symbols_threads(-1, NULL, 64, &threads, &n), -ESRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_of_a_child),          cmocka_unit_test(test_signal_handler),
        cmocka_unit_test(test_stopped_child_stays_stopped), cmocka_unit_test(test_threads_that_come_and_go),
        cmocka_unit_test(test_no_signal_is_lost),           cmocka_unit_test(test_child_killed_meanwhile),
        cmocka_unit_test(test_child_that_cannot_stop),      cmocka_unit_test(test_dead_pid),
    };
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
