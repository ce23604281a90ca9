#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "folder.h"

#define WRITERS 4
#define WRITES 100
/* Longer than what one write of a small file takes, so that two writers meet. */
#define SIZE 200000

static char folder[] = "/tmp/ftstress-fd-XXXXXX", path[64], temporary[80];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/finding.json", folder);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return folder_remove(folder);
}

/* In a fork. Returns an exit status: which call failed. */
static int write_often(char letter)
{
    static char text[SIZE];
    memset(text, letter, sizeof text);
    for (int i = 0; i < WRITES; i++) {
        if (fd_write_file(path, text, sizeof text) < 0)
            return 1;
        if (fd_can_write(path) < 0)
            return 2;
    }
    return 0;
}

static void expect_one_letter(void)
{
    char *text;
    size_t size;
    assert_int_equal(fd_read_file(path, &text, &size), 0);
    assert_int_equal(size, SIZE);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(text[i], text[0]);
    free(text);
}

static void several_processes_write_the_same_file(void **state)
{
    (void)state;
    pid_t pids[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        if ((pids[i] = fork()) == 0)
            _exit(write_often((char)('a' + i)));
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    expect_one_letter();
    assert_int_equal(access(temporary, F_OK), -1);
}

static void the_file_of_a_killed_process_is_taken_over(void **state)
{
    (void)state;
    char *text;
    size_t size;
    FILE *left = fopen(temporary, "w");
    assert_non_null(left);
    fputs("longer than what follows", left);
    fclose(left);
    assert_int_equal(fd_write_file(path, "short", 5), 0);
    assert_int_equal(fd_read_file(path, &text, &size), 0);
    assert_string_equal(text, "short");
    free(text);
    assert_int_equal(access(temporary, F_OK), -1);
}

static void a_link_is_written_to(void **state)
{
    (void)state;
    char link[PATH_MAX], *text;
    size_t size;
    snprintf(link, sizeof link, "%s/link", folder);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(fd_write_file(link, "linked", 6), 0);
    assert_int_equal(fd_read_file(path, &text, &size), 0);
    assert_string_equal(text, "linked");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_processes_write_the_same_file),
        cmocka_unit_test(the_file_of_a_killed_process_is_taken_over),
        cmocka_unit_test(a_link_is_written_to),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
