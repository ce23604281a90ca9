/* The ThreadSanitizer mode: decisions from text alone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "driver/mode/mode.h"
#include "driver/mode/mode_tsan.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* As the runtime of LLVM 19 and that of LLVM 23 list their options. */
#define LIST_19                                                                                              \
    "Available flags for ThreadSanitizer:\n"                                                                 \
    "\thistory_size\n\t\t- Per-thread history size. (Current Value: 0)\n"
#define LIST_23                                                                                              \
    LIST_19 "\tenable_adaptive_delay\n\t\t- Enable adaptive delay injection. (Current Value: false)\n"       \
            "\tadaptive_delay_aggressiveness\n\t\t- Intensity. (Current Value: 25)\n"

static void delays_where_the_runtime_has_them(void **state)
{
    (void)state;
    assert_false(tsan_has_delays(NULL));
    assert_false(tsan_has_delays(""));
    assert_false(tsan_has_delays(LIST_19));
    assert_false(tsan_has_delays(LIST_19 "\tadaptive_delay_max_sync\n\t\t- See enable_adaptive_delay.\n"));
    assert_true(tsan_has_delays(LIST_23));
}

static void only_a_gil_that_is_on(void **state)
{
    (void)state;
    struct sentence why;
    assert_false(tsan_way_gil(false, &why));
    assert_true(tsan_way_gil(true, &why));
    assert_string_equal(why.what, "the GIL is on, and what it orders is no race for ThreadSanitizer");
}

/* Returns the sentence and the remedy of a way that is taken after `restrict_self` in a process of its own. */
static void look_restricted(void (*restrict_self)(void), bool (*way)(struct sentence *), struct sentence *ret)
{
    int status, ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        *ret = (struct sentence){.what = ""};
        restrict_self();
        _exit(!way(ret) || write(ends[1], ret, sizeof *ret) != (ssize_t)sizeof *ret);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], ret, sizeof *ret), sizeof *ret);
    close(ends[0]);
    close(ends[1]);
}

static void limit_addresses(void)
{
    setrlimit(RLIMIT_AS, &(struct rlimit){UINT64_C(57220) << 20, UINT64_C(57220) << 20});
}

static void refuse_personality(void)
{
    struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_personality, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &(struct sock_fprog){COUNT(code), code});
}

static void what_is_in_the_way_has_its_remedy(void **state)
{
    (void)state;
    struct sentence why;
    cleanup_free char *randomised = NULL;
    look_restricted(limit_addresses, tsan_way_limit, &why);
    assert_string_equal(why.what,
                        "the address space is limited to 57220 MB, and ThreadSanitizer's shadow memory needs "
                        "terabytes of it");
    assert_string_equal(why.remedy, "run ftstress where ulimit -Hv is unlimited");
    if (fd_read_file("/proc/sys/kernel/randomize_va_space", &randomised, NULL) < 0 || atoi(randomised) == 0)
        skip();
    look_restricted(refuse_personality, tsan_way_layout, &why);
    assert_string_equal(
        why.what, "addresses are randomised, which moves memory to where ThreadSanitizer cannot follow, "
                  "and turning that off is forbidden here");
    assert_string_equal(why.remedy, "run it below setarch -R, allow personality(2) in the sandbox, or sysctl "
                                    "kernel.randomize_va_space=0");
}

static void a_runtime_that_does_not_start_has_its_remedy(void **state)
{
    (void)state;
    static const struct {
        const char *err, *what, *remedy;
    } rows[] = {
        {"FATAL: ThreadSanitizer: unexpected memory mapping 0x1-0x2",
         "ThreadSanitizer's shadow memory does not fit between the addresses that are taken here",
         "sysctl vm.mmap_rnd_bits=28, and ulimit -s 8192"},
        {"ThreadSanitizer: running under limited virtual address space",
         "ThreadSanitizer found a limit on the address space that it cannot lift",
         "run ftstress where ulimit -Hv is unlimited"},
        {"ThreadSanitizer failed to allocate 0x8 bytes", "ThreadSanitizer gets no room for its shadow memory",
         "allow overcommit (sysctl vm.overcommit_memory=0)"},
        {"", "ThreadSanitizer does not report a planted race (it exits with status 2)",
         "remove build/child-tsan and run scripts/setup.sh --with tsan again"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct probe_job job = {.status = 2 << 8, .out = (char *)"", .err = (char *)rows[i].err};
        struct sentence error;
        assert_int_equal(tsan_explain_canary(&job, &error), -ENOEXEC);
        assert_string_equal(error.what, rows[i].what);
        assert_string_equal(error.remedy, rows[i].remedy);
    }
}

static void without_an_instrumented_child_there_is_no_run(void **state)
{
    (void)state;
    struct tsan tsan;
    struct sentence error;
    assert_int_equal(tsan_prepare(&tsan, NULL, &error), -ENOENT);
    assert_string_equal(error.what, "there is no ftstress-child-tsan");
    assert_string_equal(error.remedy, "make one with scripts/setup.sh --with tsan");
    tsan_clear(&tsan);
}

static void a_child_without_the_planted_race_is_no_evidence(void **state)
{
    (void)state;
    struct tsan tsan = {0};
    struct sentence why;
    struct outcome outcome = {.phase = BOARD_RUN, .canary = true};
    assert_false(tsan_take_child(&tsan, &outcome, &why));
    outcome.canary = false;
    assert_true(tsan_take_child(&tsan, &outcome, &why));
    assert_string_equal(
        why.what,
        "the race that is planted in each child was not reported, so that no other would have been");
    assert_string_equal(why.remedy, "see what --verbose shows");
    assert_int_equal(tsan.children, 2);
    assert_int_equal(tsan.canaries, 1);
    tsan_clear(&tsan);
}

static void one_thread_has_no_races(void **state)
{
    (void)state;
    struct tsan tsan = {0};
    const struct mode_run mode = {.own = &tsan};
    struct run run = {.threads = 1};
    struct sentence why;
    assert_true(mode_tsan.why_not_clean(&mode, &run, &why));
    assert_string_equal(why.what, "one thread has no data races");
    assert_string_equal(why.remedy, "ask for two or more with -t, or leave out --tsan");
    run.threads = 2;
    assert_false(mode_tsan.why_not_clean(&mode, &run, &why));
}

/* A rule that was used, one of the user's that was not, and one of CPython's that was not. */
static void suppressions_and_canaries_are_counted(void **state)
{
    (void)state;
    struct suppression rules[] = {
        {.type = (char *)"race", .pattern = (char *)"f", .where = (char *)"/s/cpython.txt:3"},
        {.type = (char *)"race", .pattern = (char *)"g", .where = (char *)"/s/mine.txt:4"},
        {.type = (char *)"race", .pattern = (char *)"h", .where = (char *)"/s/cpython.txt:5"}};
    rules[0].why = (char *)tsan_cpython.why;
    rules[0].version = (char *)tsan_cpython.version;
    rules[0].link = (char *)tsan_cpython.link;
    rules[0].hits = 2;
    rules[0].theirs = rules[2].theirs = true;
    char *bare[] = {(char *)"/v/a.so"};
    struct tsan tsan = {.suppressions = {rules, COUNT(rules)}, .delays = true, .canaries = 3, .children = 4};
    tsan.bare = bare;
    tsan.nbare = 1;
    struct request request = {0};
    const struct mode_run mode = {.own = &tsan, .request = &request};
    static const char *const notes[] = {
        "ThreadSanitizer reported the planted race in 3 of 4 children; adaptive delays were on",
        "not instrumented: /v/a.so",
        ("2 reports suppressed by race:f (cpython.txt:3): CPython's own developers know of it and suppress it in their "
         "tests. (CPython 3.13, https://github.com/python/cpython/tree/3.13/Tools/tsan)"),
        "suppressions that were not needed: race:g (mine.txt:4), 1 of CPython's own; --verbose and --json list them"};
    struct run run = {0};
    mode_tsan.conclude(&mode, &run);
    assert_int_equal(run.notes.n, COUNT(notes));
    for (size_t i = 0; i < COUNT(notes); i++)
        assert_string_equal(run.notes.items[i], notes[i]);
    run_clear(&run);
}

static void files_are_named_up_to_a_few(void **state)
{
    (void)state;
    char *paths[] = {"/v/a.so", "/v/b.so", "/v/c.so", "/v/d.so", "/v/e.so", "/v/f.so"};
    struct sentence one, six;
    assert_false(tsan_way_bare(paths, 0, &one));
    assert_true(tsan_way_bare(paths, 1, &one));
    assert_true(tsan_way_bare(paths, 6, &six));
    assert_string_equal(one.what, "not instrumented, so that no race in it would be seen: a.so");
    assert_non_null(strstr(six.what, "seen: a.so, b.so, c.so, d.so and 2 more"));
    assert_string_equal(six.remedy,
                        "build it with clang -fsanitize=thread, as scripts/setup/tsan.sh builds NumPy");
}

static void a_source_is_not_bare(void **state)
{
    (void)state;
    assert_false(tsan_is_bare(__FILE__));
    assert_false(tsan_is_bare("/nowhere"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_where_the_runtime_has_them),
        cmocka_unit_test(only_a_gil_that_is_on),
        cmocka_unit_test(what_is_in_the_way_has_its_remedy),
        cmocka_unit_test(a_runtime_that_does_not_start_has_its_remedy),
        cmocka_unit_test(without_an_instrumented_child_there_is_no_run),
        cmocka_unit_test(a_child_without_the_planted_race_is_no_evidence),
        cmocka_unit_test(one_thread_has_no_races),
        cmocka_unit_test(suppressions_and_canaries_are_counted),
        cmocka_unit_test(files_are_named_up_to_a_few),
        cmocka_unit_test(a_source_is_not_bare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
