/* Addresses to names, on our own maps, and stacks of a child's threads; the child must not notice. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "driver/symbol/symbol.h"

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

/* Written by a child, read by us. */
static struct {
    atomic_int ready;
    atomic_ulong beats;
    atomic_ulong handled;
    atomic_ulong lost;
} * shared;

/* The frames under test. */

static NOINLINE uint64_t where(void)
{
    return (uint64_t)__builtin_return_address(0);
}

static inline __attribute__((always_inline)) uint64_t inlined_part(void)
{
    uint64_t here = where();
    KEEP_FRAME();
    return here;
}

static NOINLINE uint64_t whole_function(void)
{
    uint64_t here = inlined_part();
    KEEP_FRAME();
    return here;
}

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

/* Its first instruction raises the signal, so the byte before belongs to something else. */
void trap_at_start(void);
__asm__(".text\n.globl trap_at_start\n.type trap_at_start, @function\ntrap_at_start:\n.cfi_startproc\n"
#ifdef __x86_64__
        "ud2\n"
#else
        ".word 0\n"
#endif
        ".cfi_endproc\n.size trap_at_start, .-trap_at_start\n");

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

static void *nothing(void *argument)
{
    return argument;
}

static void child_churning(void)
{
    for (shared->ready++;; shared->beats++) {
        pthread_t threads[4];
        for (size_t i = 0; i < 4; i++)
            pthread_create(&threads[i], NULL, nothing, NULL);
        for (size_t i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
    }
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

static pid_t start(void (*body)(void), int ready)
{
    memset(shared, 0, sizeof *shared);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        body();
        _exit(0);
    }
    while (shared->ready < ready)
        usleep(1000);
    return pid;
}

static void kill_and_check(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
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

static struct symbols *open_own(void)
{
    cleanup_free char *maps = NULL;
    struct symbols *symbols;
    assert_int_equal(fd_read_file("/proc/self/maps", &maps, NULL), 0);
    assert_int_equal(symbols_open(maps, &symbols), 0);
    return symbols;
}

static size_t find_frame(const struct symbol_stack *stack, const char *function)
{
    for (size_t i = 0; i < stack->nframes; i++)
        if (stack->frames[i].function && strcmp(stack->frames[i].function, function) == 0)
            return i;
    fail_msg("%s is not on the stack", function);
    return 0;
}

/* One address, looked up in our own maps. */
static struct symbol_stack look_up(uint64_t address, bool exact)
{
    struct symbols *symbols = open_own();
    struct symbol_stack stack;
    assert_int_equal(symbols_stack(symbols, &address, 1, exact, &stack), 0);
    symbols_close(symbols);
    assert_true(stack.nframes > 0);
    assert_int_equal(stack.frames[0].address, address);
    return stack;
}

static void test_own_function(void **state)
{
    (void)state;
    struct symbol_stack stack = look_up((uint64_t)whole_function, true);
    const struct symbol_frame *frame = &stack.frames[stack.nframes - 1];
    assert_string_equal(frame->function, "whole_function");
    assert_non_null(strstr(frame->module, "test_symbol"));
    assert_non_null(strstr(frame->file, "test_symbol.c"));
    assert_true(frame->line > 0);
    assert_false(frame->is_inline);
    assert_int_equal(frame->offset, frame->address - _r_debug.r_map->l_addr);
    symbol_stack_free(&stack);
}

int one_of_many(int x);
NOINLINE __attribute__((weak)) int one_of_many(int x)
{
    return x + 1;
}

static void test_weak_function(void **state)
{
    (void)state;
    struct symbol_stack stack = look_up((uint64_t)one_of_many, true);
    assert_string_equal(stack.frames[0].function, "one_of_many");
    assert_true(stack.frames[0].is_weak);
    symbol_stack_free(&stack);
    stack = look_up((uint64_t)whole_function, true);
    assert_false(stack.frames[stack.nframes - 1].is_weak);
    symbol_stack_free(&stack);
}

static void test_inline_frame(void **state)
{
    (void)state;
    struct symbol_stack stack = look_up(whole_function(), false);
    assert_int_equal(stack.nframes, 2);
    assert_string_equal(stack.frames[0].function, "inlined_part");
    assert_true(stack.frames[0].is_inline);
    assert_string_equal(stack.frames[1].function, "whole_function");
    assert_false(stack.frames[1].is_inline);
    assert_true(stack.frames[0].line < stack.frames[1].line);
    assert_int_equal(stack.frames[0].address, stack.frames[1].address);
    symbol_stack_free(&stack);
}

static void test_libc_function(void **state)
{
    (void)state;
    struct symbol_stack stack = look_up((uint64_t)l64a, true);
    assert_string_equal(stack.frames[stack.nframes - 1].function, "l64a");
    assert_non_null(strstr(stack.frames[0].module, "libc"));
    symbol_stack_free(&stack);
}

/* The byte before a function belongs to another, or to none. */
static void test_return_address_is_moved_back(void **state)
{
    (void)state;
    struct symbol_stack stack = look_up((uint64_t)trap_at_start, false);
    const char *function = stack.frames[stack.nframes - 1].function;
    assert_true(!function || strcmp(function, "trap_at_start") != 0);
    symbol_stack_free(&stack);
}

static void test_bogus_addresses(void **state)
{
    (void)state;
    const uint64_t bogus[] = {0, 1, (uint64_t)&bogus, UINT64_MAX};
    for (size_t i = 0; i < 8; i++) {
        struct symbol_stack stack = look_up(bogus[i / 2], i % 2);
        assert_int_equal(stack.nframes, 1);
        assert_null(stack.frames[0].function);
        assert_null(stack.frames[0].module);
        assert_null(stack.frames[0].file);
        symbol_stack_free(&stack);
    }
}

static void test_vdso(void **state)
{
    (void)state;
    uint64_t start = getauxval(AT_SYSINFO_EHDR);
    if (!start)
        skip();
    struct symbol_stack stack = look_up(start, true);
    assert_string_equal(stack.frames[0].module, "[vdso]");
    assert_null(stack.frames[0].function);
    assert_int_equal(stack.frames[0].offset, 0);
    symbol_stack_free(&stack);
}

static void test_maps_of_a_process_that_is_gone(void **state)
{
    (void)state;
    char path[64];
    cleanup_free char *maps = NULL;
    struct symbols *symbols;
    struct symbol_stack stack;
    pid_t pid = start(child_churning, 1);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    assert_int_equal(fd_read_file(path, &maps, NULL), 0);
    kill_and_check(pid);
    assert_int_equal(symbols_open(maps, &symbols), 0);
    const uint64_t addresses[] = {(uint64_t)trap_at_start, whole_function()};
    assert_int_equal(symbols_stack(symbols, addresses, 2, true, &stack), 0);
    assert_int_equal(stack.nframes, 3);
    assert_string_equal(stack.frames[0].function, "trap_at_start");
    assert_string_equal(stack.frames[2].function, "whole_function");
    symbol_stack_free(&stack);
    symbols_close(symbols);
}

static void test_odd_maps(void **state)
{
    (void)state;
    static const char deleted[] = "10000-20000 r-xp 00000000 fe:00 7 /no/such lib.so (deleted)\n"
                                  "30000-40000 r-xp 00000000 fe:00 8 /proc/version\n50000-6";
    struct symbols *symbols;
    struct symbol_stack stack;
    assert_int_equal(symbols_open(deleted, &symbols), 0);
    assert_int_equal(symbols_stack(symbols, (uint64_t[]){0x10008, 0x30008, 0x50008}, 3, true, &stack), 0);
    assert_int_equal(stack.nframes, 3);
    assert_string_equal(stack.frames[0].module, "/no/such lib.so (deleted)");
    assert_int_equal(stack.frames[0].offset, 8);
    assert_string_equal(stack.frames[1].module, "/proc/version");
    assert_null(stack.frames[0].function);
    assert_null(stack.frames[1].function);
    assert_null(stack.frames[2].module);
    symbol_stack_free(&stack);
    symbols_close(symbols);
    assert_int_equal(symbols_open("", &symbols), 0);
    symbols_close(symbols);
    assert_true(symbols_open("no maps at all\n", &symbols) < 0);
}

static void test_empty_stack(void **state)
{
    (void)state;
    struct symbols *symbols = open_own();
    struct symbol_stack stack;
    assert_int_equal(symbols_stack(symbols, NULL, 0, true, &stack), 0);
    assert_int_equal(stack.nframes, 0);
    symbol_stack_free(&stack);
    symbols_close(symbols);
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

static int planted_variable[4];

static void test_variables_by_address(void **state)
{
    (void)state;
    cleanup_free char *maps = NULL, *text = NULL, *inside = NULL, *other = NULL;
    struct symbols *symbols;
    int *on_heap = malloc(sizeof *on_heap);
    assert_int_equal(fd_read_file("/proc/self/maps", &maps, NULL), 0);
    assert_int_equal(symbols_open(maps, &symbols), 0);
    assert_int_equal(symbols_variable(symbols, (uint64_t)(uintptr_t)planted_variable, &text), 0);
    assert_string_equal(text, "planted_variable in test_symbol");
    assert_int_equal(symbols_variable(symbols, (uint64_t)(uintptr_t)&planted_variable[1], &inside), 0);
    assert_string_equal(inside, "planted_variable+0x4 in test_symbol");
    assert_int_equal(symbols_variable(symbols, (uint64_t)(uintptr_t)on_heap, &other), -ENOENT);
    assert_int_equal(symbols_variable(symbols, (uint64_t)(uintptr_t)&on_heap, &other), -ENOENT);
    symbols_close(symbols);
    free(on_heap);
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

static void test_debuginfod_is_never_asked(void **state)
{
    (void)state;
    cleanup_free char *maps = NULL;
    setenv("DEBUGINFOD_URLS", "http://192.0.2.1/", 1);
    struct symbols *symbols = open_own();
    struct symbol_stack stack;
    const uint64_t addresses[] = {(uint64_t)getenv, (uint64_t)test_debuginfod_is_never_asked};
    assert_int_equal(symbols_stack(symbols, addresses, 2, true, &stack), 0);
    symbol_stack_free(&stack);
    symbols_close(symbols);
    assert_int_equal(fd_read_file("/proc/self/maps", &maps, NULL), 0);
    assert_null(strstr(maps, "libdebuginfod"));
    assert_string_equal(getenv("DEBUGINFOD_URLS"), "http://192.0.2.1/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_function),
        cmocka_unit_test(test_weak_function),
        cmocka_unit_test(test_inline_frame),
        cmocka_unit_test(test_libc_function),
        cmocka_unit_test(test_return_address_is_moved_back),
        cmocka_unit_test(test_bogus_addresses),
        cmocka_unit_test(test_vdso),
        cmocka_unit_test(test_maps_of_a_process_that_is_gone),
        cmocka_unit_test(test_odd_maps),
        cmocka_unit_test(test_empty_stack),
        cmocka_unit_test(test_variables_by_address),
        cmocka_unit_test(test_threads_of_a_child),
        cmocka_unit_test(test_signal_handler),
        cmocka_unit_test(test_stopped_child_stays_stopped),
        cmocka_unit_test(test_threads_that_come_and_go),
        cmocka_unit_test(test_no_signal_is_lost),
        cmocka_unit_test(test_child_killed_meanwhile),
        cmocka_unit_test(test_child_that_cannot_stop),
        cmocka_unit_test(test_dead_pid),
        cmocka_unit_test(test_debuginfod_is_never_asked),
    };
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
