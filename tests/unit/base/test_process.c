/* A program finds what its launch says, and this process stays as it was. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"

/* Runs a shell command with both ends of a pipe at `as`. Returns what it wrote there, and its status. */
static void run(const char *command, const struct launch *launch, const char *const *environment, int as,
                char text[static 256], int *ret_status)
{
    int ends[2];
    size_t size = 0;
    ssize_t n;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const struct process_fd fds[] = {{ends[1], as}, {-1, 59}};
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    pid_t pid = process_start(
        &(struct process){.argv = argv, .environment = environment, .launch = launch, .fds = fds, .nfds = 2});
    assert_true(pid > 0);
    assert_int_equal(getpgid(pid), pid);
    fd_close(&ends[1]);
    while ((n = read(ends[0], text + size, 255 - size)) > 0)
        size += (size_t)n;
    text[size] = '\0';
    fd_close(&ends[0]);
    assert_int_equal(waitpid(pid, ret_status, 0), pid);
}

static void assert_prints(const char *command, const struct launch *launch, const char *wanted)
{
    char text[256];
    int status;
    run(command, launch, NULL, STDOUT_FILENO, text, &status);
    assert_string_equal(text, wanted);
    assert_int_equal(status, 0);
}

static void the_environment_is_set_in_the_program_only(void **state)
{
    (void)state;
    static const char *const base[] = {"TEST_ONE=base", "TEST_TWO=base", "TEST_GONE", NULL};
    static const char *const more[] = {"TEST_TWO=launch=2", NULL};
    const struct launch launch = {.environment = more};
    char text[256];
    int status;
    setenv("TEST_ONE", "own", 1);
    setenv("TEST_GONE", "own", 1);
    unsetenv("TEST_TWO");
    run("echo $TEST_ONE $TEST_TWO ${TEST_GONE-unset}", &launch, base, STDOUT_FILENO, text, &status);
    assert_string_equal(text, "base launch=2 unset\n");
    assert_string_equal(getenv("TEST_ONE"), "own");
    assert_string_equal(getenv("TEST_GONE"), "own");
    assert_null(getenv("TEST_TWO"));
}

static void the_layout_is_fixed_in_the_program_only(void **state)
{
    (void)state;
    const struct launch launch = {.fixed_layout = true};
    if (!process_can_fix_layout())
        skip();
    unsigned before = (unsigned)personality(0xffffffff);
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%08x\n", before | ADDR_NO_RANDOMIZE);
    assert_prints("cat /proc/self/personality", &launch, wanted);
    assert_int_equal(personality(0xffffffff), before);
}

static void the_address_limit_is_lifted_in_the_program_only(void **state)
{
    (void)state;
    struct rlimit before, now;
    const struct launch launch = {.no_address_limit = true};
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    if (before.rlim_max != RLIM_INFINITY)
        skip();
    const struct rlimit limited = {UINT64_C(1) << 47, RLIM_INFINITY}; /* all of the address space */
    assert_int_equal(setrlimit(RLIMIT_AS, &limited), 0);
    assert_prints("ulimit -v", &launch, "unlimited\n");
    assert_prints("ulimit -v", NULL, "137438953472\n");
    assert_int_equal(getrlimit(RLIMIT_AS, &now), 0);
    assert_int_equal(now.rlim_cur, limited.rlim_cur);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
}

static void descriptors_are_at_their_numbers(void **state)
{
    (void)state;
    char text[256];
    int status;
    run("echo there >&5; read line || echo nothing >&5; ls /proc/self/fd | grep -c '^59$' >&5", NULL, NULL, 5,
        text, &status);
    assert_string_equal(text, "there\nnothing\n0\n");
}

static void a_limit_of_32_open_files_is_enough(void **state)
{
    (void)state;
    struct rlimit limit;
    char text[256];
    int status;
    getrlimit(RLIMIT_NOFILE, &limit);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){32, limit.rlim_max});
    run("echo there >&7", NULL, NULL, 7, text, &status);
    int fd = fd_move_high(open("/dev/null", O_RDONLY | O_CLOEXEC));
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(status, 0);
    assert_string_equal(text, "there\n");
    assert_in_range(fd, 24, 31);
    fd_close(&fd);
}

static void a_descriptor_moves_below_the_limit(void **state)
{
    (void)state;
    struct rlimit limit;
    int low = open("/dev/null", O_RDONLY), fd = fd_move_high(low);
    getrlimit(RLIMIT_NOFILE, &limit);
    assert_true(fd > low && (rlim_t)fd < limit.rlim_cur);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(low, F_GETFD), -1);
    assert_int_equal(fd_move_high(-1), -1);
    fd_close(&fd);
}

/* The kernel's rows for numbers of descriptors. */
static long rows(void)
{
    cleanup_free char *text = NULL;
    assert_int_equal(fd_read_file("/proc/self/status", &text, NULL), 0);
    const char *at = strstr(text, "FDSize:");
    assert_non_null(at);
    return strtol(at + strlen("FDSize:"), NULL, 10);
}

static void room_for_high_descriptors_is_made_once(void **state)
{
    (void)state;
    int fds[64];
    fd_make_room(STDERR_FILENO);
    long before = rows();
    for (int i = 0; i < 64; i++)
        fds[i] = fd_move_high(open("/dev/null", O_RDONLY));
    assert_int_equal(rows(), before);
    for (int i = 0; i < 64; i++)
        fd_close(&fds[i]);
}

static void no_core_and_no_blocked_signal(void **state)
{
    (void)state;
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, &old);
    assert_prints("ulimit -c; grep SigBlk /proc/self/status", NULL, "0\nSigBlk:\t0000000000000000\n");
    sigprocmask(SIG_SETMASK, &old, NULL);
}

/* The wait has no other end than that of the program. */
static void the_end_of_a_program_ends_a_wait(void **state)
{
    (void)state;
    const char *const argv[] = {"/bin/sh", "-c", "exec >&- 2>&-; sleep 0.1", NULL};
    pid_t pid = process_start(&(struct process){.argv = argv});
    assert_true(pid > 0);
    struct pollfd end = {.fd = process_watch(pid), .events = POLLIN};
    if (end.fd < 0) {
        waitpid(pid, NULL, 0);
        skip();
    }
    assert_int_equal(poll(&end, 1, -1), 1);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), pid);
    close(end.fd);
}

static void a_program_that_cannot_be_executed_is_an_error(void **state)
{
    (void)state;
    const char *const argv[] = {"/nowhere/program", NULL}, *const folder[] = {"/", NULL};
    assert_int_equal(process_start(&(struct process){.argv = argv}), -ENOENT);
    assert_int_equal(process_start(&(struct process){.argv = folder}), -EACCES);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_is_set_in_the_program_only),
        cmocka_unit_test(the_layout_is_fixed_in_the_program_only),
        cmocka_unit_test(the_address_limit_is_lifted_in_the_program_only),
        cmocka_unit_test(descriptors_are_at_their_numbers),
        cmocka_unit_test(a_limit_of_32_open_files_is_enough),
        cmocka_unit_test(a_descriptor_moves_below_the_limit),
        cmocka_unit_test(room_for_high_descriptors_is_made_once),
        cmocka_unit_test(no_core_and_no_blocked_signal),
        cmocka_unit_test(the_end_of_a_program_ends_a_wait),
        cmocka_unit_test(a_program_that_cannot_be_executed_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
