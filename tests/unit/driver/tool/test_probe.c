/* The probe on files that are no Python, or no complete one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "driver/tool/probe.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script.h"

#define ANSWER(implementation, abi)                                                                          \
    "printf 'ftstress\\timplementation\\t" implementation                                                    \
    "\\nftstress\\texecutable\\t/opt/py/bin/python\\n'\n"                                                    \
    "printf 'ftstress\\tprefix\\t/opt/py\\nftstress\\tlibrary\\t/opt/py/lib/libpython.so\\n'\n"              \
    "printf 'ftstress\\tversion\\t3.13.5\\nftstress\\tabi\\t" abi                                            \
    "\\nftstress\\tfree\\t1\\nftstress\\tgil\\t0\\n'\n"

/* Probes what must fail so, with a sentence that names the file and says what to do. */
static void assert_refused(const char *python, int code, const char *part)
{
    struct sentence error = {0};
    struct probe probe = {0};
    assert_int_equal(probe_interpreter(python, &launch, &probe, &error), code);
    cleanup_free char *text = sentence_text(&error);
    assert_says(text, part);
    assert_says(text, python);
    assert_says(error.remedy, "-p");
    assert_null(probe.executable);
    assert_null(strchr(text, '\n'));
}

static void assert_accepted(const char *python)
{
    struct sentence error = {0};
    struct probe probe;
    if (probe_interpreter(python, &launch, &probe, &error) != 0)
        fail_msg("%s", error.what);
    assert_string_equal(probe.executable, "/opt/py/bin/python");
    assert_string_equal(probe.prefix, "/opt/py");
    assert_string_equal(probe.library, "/opt/py/lib/libpython.so");
    assert_string_equal(probe.version, "3.13.5");
    assert_string_equal(probe.abi, "3.13t");
    assert_true(probe.free_threaded);
    assert_false(probe.gil_now);
    probe_clear(&probe);
    assert_null(probe.executable);
    probe_clear(&probe);
}

/* Which programs are taken. */

static void test_an_answer(void **state)
{
    (void)state;
    assert_accepted(script("python", ANSWER("cpython", "3.13t")));
}

static void test_an_answer_among_noise(void **state)
{
    (void)state;
    assert_accepted(script(
        "python", "echo sitecustomize speaks; echo warning >&2\n" ANSWER("cpython", "3.13t") "echo bye"));
}

static void test_arguments_are_those_of_python(void **state)
{
    (void)state;
    assert_accepted(script("python", "[ \"$1\" = -I ] && [ \"$2\" = -c ] && [ $# = 3 ] || exit 9\n"
                                     "read line && exit 8\n" ANSWER("cpython", "3.13t")));
}

static void test_venv(void **state)
{
    (void)state;
    mkdir(in_folder("venv"), 0777);
    mkdir(in_folder("venv/bin"), 0777);
    assert_refused(in_folder("venv"), -ENOENT, "has no bin/python, so it is no venv; make one with");
    script("venv/bin/python3", ANSWER("cpython", "3.13t"));
    assert_accepted(in_folder("venv"));
    script("venv/bin/python", "exit 3");
    assert_refused(in_folder("venv"), -ENOEXEC, "bin/python does not answer");
}

/* A venv that this user may not enter is not missing. */
static void test_closed_venv(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    mkdir(in_folder("venv"), 0777);
    mkdir(in_folder("venv/bin"), 0777);
    script("venv/bin/python", ANSWER("cpython", "3.13t"));
    assert_int_equal(chmod(in_folder("."), 0755) | chmod(in_folder("venv"), 0700), 0);
    assert_int_equal(setresuid(65534, 65534, 0), 0); /* access() is by the real user */
    assert_refused(in_folder("venv"), -ENOENT, "cannot be reached: Permission denied");
    assert_refused(in_folder("venv/bin/python"), -ENOENT, "cannot be reached: Permission denied");
    assert_int_equal(setresuid(0, 0, 0), 0);
}

static void test_name_on_path(void **state)
{
    (void)state;
    cleanup_free char *path = strdup(getenv("PATH"));
    char folders[PATH_MAX];
    script("python9.9t", ANSWER("cpython", "3.13t"));
    mkdir(in_folder("first"), 0777);
    mkdir(in_folder("first/python9.9t"), 0777);
    snprintf(folders, sizeof folders, ":/nowhere:%s/first:%s:%s", folder, folder, path);
    setenv("PATH", folders, 1);
    assert_accepted("python9.9t");
    setenv("PATH", path, 1);
    assert_refused("python9.9t", -ENOENT, "there is no program 'python9.9t' on PATH");
    assert_refused("", -ENOENT, "there is no program '' on PATH");
}

static void test_relative_paths(void **state)
{
    (void)state;
    script("python-here", ANSWER("cpython", "3.13t"));
    mkdir(in_folder("env"), 0777);
    mkdir(in_folder("env/bin"), 0777);
    script("env/bin/python", ANSWER("cpython", "3.13t"));
    assert_int_equal(chdir(folder), 0);
    assert_accepted("./python-here");
    assert_accepted("python-here");
    assert_accepted("env/bin/python");
    assert_accepted("env");
}

/* Which are not. */

static void test_missing(void **state)
{
    (void)state;
    assert_refused("/no/such/python", -ENOENT,
                   "there is no interpreter at /no/such/python; name one with -p");
    assert_refused("/etc/passwd/python", -ENOENT, "there is no interpreter at");
    assert_refused(in_folder("absent"), -ENOENT, "python3.13t -m venv DIR");
}

static void test_dangling_link(void **state)
{
    (void)state;
    mkdir(in_folder("old"), 0777);
    mkdir(in_folder("old/bin"), 0777);
    assert_int_equal(symlink("/gone/python3.13t", in_folder("old/bin/python")), 0);
    assert_refused(in_folder("old"), -ENOENT, "is a link to /gone/python3.13t, which is not there");
    assert_refused(in_folder("old/bin/python"), -ENOENT, "make the venv anew");
}

static void test_not_executable(void **state)
{
    (void)state;
    assert_refused(write_file("python", 0644, "#!/bin/sh\n"), -ENOEXEC, "is not an executable file");
    assert_refused("/dev/null", -ENOEXEC, "is not an executable file");
}

static void test_not_a_program(void **state)
{
    (void)state;
    assert_refused(write_file("python", 0755, "garbage\n"), -ENOEXEC,
                   "(it cannot be started: Exec format error)");
    assert_refused(write_file("python", 0755, "#!/no/such/interpreter\n"), -ENOEXEC,
                   "(it cannot be started: No such file or directory)");
}

static void test_garbage(void **state)
{
    (void)state;
    assert_refused(script("python", "echo hello; printf 'wor\\033ld\\n\\n'"), -ENOEXEC,
                   "does not answer as a working Python 3 does (it says: wor?ld)");
    assert_refused(script("python", ":"), -ENOEXEC, "(it says nothing)");
    assert_refused(script("python", "printf 'ftstress\\timplementation\\tcpython\\n'"), -ENOEXEC,
                   "does not answer");
}

static void test_broken_python(void **state)
{
    (void)state;
    assert_refused(
        script("python", "echo Traceback >&2; echo 'ImportError: no codec' >&2; echo '==7== ' >&2; exit 1"),
        -ENOEXEC, "(it exits with status 1 and says: ImportError: no codec)");
    assert_refused(script("python", "kill -SEGV $$"), -ENOEXEC, "(it is killed by signal 11");
}

static void test_other_implementation(void **state)
{
    (void)state;
    assert_refused(script("python", ANSWER("pypy", "3.10")), -ENOEXEC,
                   "is pypy, and ftstress embeds CPython");
}

static void test_endless_output(void **state)
{
    (void)state;
    uint64_t before = clock_now();
    assert_refused(script("python", "while :; do echo nonsense nonsense nonsense nonsense; done"), -ENOEXEC,
                   "");
    assert_true(clock_now() - before < launch.limit);
}

static void test_long_answers_are_cut(void **state)
{
    (void)state;
    struct sentence error;
    struct probe probe;
    assert_int_equal(probe_interpreter(script("python", "printf %5000s no"), &launch, &probe, &error),
                     -ENOEXEC);
    assert_true(strlen(error.what) < sizeof error.what);
}

/* Time. */

static bool is_alive(const char *pid_file)
{
    char path[64], state = 'Z';
    cleanup_free char *pid = NULL, *stat = NULL;
    assert_int_equal(fd_read_file(pid_file, &pid, NULL), 0);
    snprintf(path, sizeof path, "/proc/%d/stat", atoi(pid));
    if (fd_read_file(path, &stat, NULL) == 0)
        sscanf(strrchr(stat, ')'), ") %c", &state);
    return state != 'Z' && state != 'X';
}

static void assert_dead(const char *pid_file)
{
    for (int i = 0; i < 2000 && is_alive(pid_file); i++)
        usleep(1000);
    assert_false(is_alive(pid_file));
}

static void assert_times_out(const char *body)
{
    char text[512];
    snprintf(text, sizeof text, "sleep 1000 & echo $! >%s/pid\n%s", folder, body);
    launch.limit = CLOCK_SECOND / 2;
    uint64_t before = clock_now();
    assert_refused(script("python", text), -ETIMEDOUT, "gives no answer (it does not end within 0.5 s)");
    assert_true(clock_now() - before < 8 * CLOCK_SECOND);
    assert_dead(in_folder("pid"));
}

static void test_sleeper(void **state)
{
    (void)state;
    assert_times_out("sleep 1000");
}

static void test_sleeper_with_closed_pipes(void **state)
{
    (void)state;
    assert_times_out("exec >/dev/null 2>&1\nsleep 1000");
}

static void test_sleeper_that_refuses_signals(void **state)
{
    (void)state;
    assert_times_out("trap '' TERM INT HUP\nwhile :; do sleep 1; done");
}

/* What it leaves behind holds the pipe, and must not hold us. */
static void test_grandchild_that_stays(void **state)
{
    (void)state;
    char text[1024];
    snprintf(text, sizeof text, "sleep 1000 & echo $! >%s/pid\n" ANSWER("cpython", "3.13t"), folder);
    uint64_t before = clock_now();
    assert_accepted(script("python", text));
    assert_true(clock_now() - before < launch.limit);
    assert_dead(in_folder("pid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_answer),
        TEST(test_an_answer_among_noise),
        TEST(test_arguments_are_those_of_python),
        TEST(test_venv),
        TEST(test_closed_venv),
        TEST(test_name_on_path),
        TEST(test_relative_paths),
        TEST(test_missing),
        TEST(test_dangling_link),
        TEST(test_not_executable),
        TEST(test_not_a_program),
        TEST(test_garbage),
        TEST(test_broken_python),
        TEST(test_other_implementation),
        TEST(test_endless_output),
        TEST(test_long_answers_are_cut),
        TEST(test_sleeper),
        TEST(test_sleeper_with_closed_pipes),
        TEST(test_sleeper_that_refuses_signals),
        TEST(test_grandchild_that_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
