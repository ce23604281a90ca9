/* The probe on files that are no Python, or no complete one; and the programs that it runs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "driver/tool/probe.h"
#include "driver/tool/probe_run.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"

#define ANSWER(implementation, abi)                                                                          \
    "printf 'ftstress\\timplementation\\t" implementation                                                    \
    "\\nftstress\\texecutable\\t/opt/py/bin/python\\n'\n"                                                    \
    "printf 'ftstress\\tprefix\\t/opt/py\\nftstress\\tlibrary\\t/opt/py/lib/libpython.so\\n'\n"              \
    "printf 'ftstress\\tversion\\t3.13.5\\nftstress\\tabi\\t" abi                                            \
    "\\nftstress\\tfree\\t1\\nftstress\\tgil\\t0\\n'\n"

static char folder[64];
static struct launch launch;

/* A path in the test's own folder; good until the fourth call after it. */
static const char *in_folder(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, mode_t mode, const char *text)
{
    const char *path = in_folder(name);
    assert_int_equal(fd_write_file(path, text, strlen(text)), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static const char *script(const char *name, const char *body)
{
    char text[2048];
    snprintf(text, sizeof text, "#!/bin/sh\n%s", body);
    return write_file(name, 0755, text);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_probe.XXXXXX");
    launch.limit = 10 * CLOCK_SECOND;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return chdir("/") < 0 ? -1 : folder_remove(folder);
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

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

/* Many programs. */

static size_t open_descriptors(void)
{
    size_t n = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory))
        n++;
    closedir(directory);
    return n;
}

static void test_many_jobs(void **state)
{
    (void)state;
    enum { JOBS = 23 };
    char numbers[JOBS][8], wanted[16];
    char *argvs[JOBS][3];
    struct probe_job jobs[JOBS];
    const char *path = script("job", "echo out $1; echo err $1 >&2; exit $1");
    for (int i = 0; i < JOBS; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%d", i);
        memcpy(argvs[i], (char *[]){(char *)path, numbers[i], NULL}, sizeof argvs[i]);
        jobs[i] = (struct probe_job){.argv = argvs[i], .limit = launch.limit};
    }
    size_t before = open_descriptors();
    probe_run(jobs, JOBS);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].error, 0);
        assert_int_equal(WEXITSTATUS(jobs[i].status), i);
        snprintf(wanted, sizeof wanted, "out %d\n", i);
        assert_string_equal(jobs[i].out, wanted);
        snprintf(wanted, sizeof wanted, "err %d\n", i);
        assert_string_equal(jobs[i].err, wanted);
        probe_job_clear(&jobs[i]);
    }
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    probe_run(NULL, 0);
}

/* A slow one does not hold the others up, and its lateness is its own. */
static void test_jobs_have_their_own_limits(void **state)
{
    (void)state;
    char *const slow[] = {(char *)script("slow", "sleep 1000"), NULL};
    char *const fast[] = {(char *)script("fast", "sleep 0.05; echo done"), NULL};
    struct probe_job jobs[9];
    for (int i = 0; i < 9; i++)
        jobs[i] = (struct probe_job){.argv = i ? fast : slow, .limit = i ? launch.limit : CLOCK_SECOND};
    probe_run(jobs, 9);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(jobs[i].error, i ? 0 : -ETIMEDOUT);
        assert_string_equal(jobs[i].out, i ? "done\n" : "");
        probe_job_clear(&jobs[i]);
    }
}

static void test_values(void **state)
{
    (void)state;
    static const char text[] = "noise ftstress\tabi\tno\nftstress\tabi2\tno\nftstress\tabi\t3.13t "
                               "\nftstress\tempty\t\nftstress\tlast\tx";
    static const char *const rows[][2] = {{"abi", "3.13t "}, {"empty", ""}, {"last", "x"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_free char *value = probe_value(text, rows[i][0]);
        assert_non_null(value);
        assert_string_equal(value, rows[i][1]);
    }
    assert_null(probe_value(text, "absent"));
    assert_null(probe_value(NULL, "abi"));
    assert_null(probe_value("", "abi"));
}

/* The child and its ABI. */

static void test_child(void **state)
{
    (void)state;
    struct sentence error;
    char abi[PROBE_ABI_SIZE];
    char *python = NULL;
    const char *child =
        script("ftstress-child", "[ \"$*\" = --abi ] && echo '3.13t /opt/my python/bin/python'");
    assert_int_equal(probe_child(child, &launch, abi, &python, &error), 0);
    assert_string_equal(abi, "3.13t");
    assert_string_equal(python, "/opt/my python/bin/python");
    free(python);
    assert_int_equal(probe_child(in_folder("absent"), &launch, abi, &python, &error), -ENOENT);
    assert_says(error.what, "there is no ftstress-child at /tmp/");
    assert_says(error.remedy, "scripts/setup.sh");
}

static void test_broken_children(void **state)
{
    (void)state;
    static const char *const bodies[][2] = {
        {"echo 'libpython3.13t.so.1.0: cannot open' >&2; exit 127",
         "says: libpython3.13t.so.1.0: cannot open"},
        {"echo 3.13t", "it says: 3.13t"},
        {"echo 3.13t-and-much-more /python", "it says: "},
        {"echo", "it says nothing"},
        {"kill -ABRT $$", "it is killed by signal 6"},
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct sentence error;
        char abi[PROBE_ABI_SIZE];
        char *python = NULL;
        const char *child = script("ftstress-child", bodies[i][0]);
        assert_int_equal(probe_child(child, &launch, abi, &python, &error), -ENOEXEC);
        assert_says(error.what, bodies[i][1]);
        assert_says(error.remedy, "build it anew with scripts/setup.sh");
        assert_null(python);
    }
}

static void test_abi(void **state)
{
    (void)state;
    struct sentence error = {0};
    struct probe probe = {.executable = (char *)"/opt/v/bin/python", .abi = "3.14t", .free_threaded = true};
    assert_int_equal(probe_check_abi(&probe, "3.14t", &error), 0);
    assert_string_equal(error.what, "");
    assert_int_equal(probe_check_abi(&probe, "3.13t", &error), -ENOEXEC);
    cleanup_free char *text = sentence_text(&error);
    assert_string_equal(
        text, "/opt/v/bin/python is a CPython 3.14t, and ftstress-child was built for 3.13t; build a child "
              "for it with: FTSTRESS_PYTHON=/opt/v/bin/python scripts/setup.sh");
}

static void test_abi_with_the_gil(void **state)
{
    (void)state;
    struct sentence error = {0};
    struct probe probe = {.executable = (char *)"/usr/bin/python3", .abi = "3.13", .gil_now = true};
    assert_int_equal(probe_check_abi(&probe, "3.13t", &error), -ENOEXEC);
    cleanup_free char *text = sentence_text(&error);
    assert_string_equal(
        text, "/usr/bin/python3 is a CPython 3.13 with the GIL, and ftstress-child was built for 3.13t; "
              "ftstress needs a free-threaded interpreter: name one with -p, e.g. python3.13t");
}

static void test_choice(void **state)
{
    (void)state;
    unsetenv("VIRTUAL_ENV");
    assert_string_equal(probe_choose(NULL, "/child"), "/child");
    assert_null(probe_choose(NULL, NULL));
    setenv("VIRTUAL_ENV", "", 1);
    assert_string_equal(probe_choose(NULL, "/child"), "/child");
    setenv("VIRTUAL_ENV", "/venv", 1);
    assert_string_equal(probe_choose(NULL, "/child"), "/venv");
    assert_string_equal(probe_choose("/mine", "/child"), "/mine");
    unsetenv("VIRTUAL_ENV");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_answer),
        TEST(test_an_answer_among_noise),
        TEST(test_arguments_are_those_of_python),
        TEST(test_venv),
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
        TEST(test_many_jobs),
        TEST(test_jobs_have_their_own_limits),
        TEST(test_values),
        TEST(test_child),
        TEST(test_broken_children),
        TEST(test_abi),
        TEST(test_abi_with_the_gil),
        TEST(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
