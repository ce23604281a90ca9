/* The programs that the probe runs: many at once, each with its own limit; and the values that they say. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "driver/tool/probe_run.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "script.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_many_jobs),
        TEST(test_jobs_have_their_own_limits),
        TEST(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
