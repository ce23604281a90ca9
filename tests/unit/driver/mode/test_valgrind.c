/* Valgrind: what a program of this name that does not work is reported as. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "driver/mode/mode.h"
#include "driver/mode/mode_valgrind.h"
#include "driver/tool/script.h"

static int prepare(struct sentence *error)
{
    static struct valgrind valgrind;
    cleanup_free char *before = strdup(getenv("PATH"));
    setenv("PATH", folder, 1);
    int result = valgrind_prepare(&valgrind, "/nowhere/child", NULL, error);
    setenv("PATH", before, 1);
    return result;
}

static void each_way_to_fail_has_its_sentence(void **state)
{
    (void)state;
    struct sentence error;
    assert_int_equal(prepare(&error), -ENOENT);
    assert_string_equal(error.what, "valgrind is not installed");
    assert_string_equal(error.remedy, "install the package valgrind");
    script("valgrind", "echo no licence >&2; exit 4\n");
    assert_int_equal(prepare(&error), -ENOEXEC);
    assert_says(error.what, "Valgrind does not print its version: it exits with status 4");
    assert_string_equal(error.remedy, "see whether it works by itself, and the files of suppressions");
    script("valgrind", "[ $1 = --version ] && echo valgrind-3.19.0\n");
    assert_int_equal(prepare(&error), -ENOEXEC);
    assert_says(error.what, "Valgrind does not start ftstress-child: it exits with status 1");
    script("valgrind", "exit 0\n");
    assert_int_equal(prepare(&error), 0);
}

static void the_note_separates_memory_from_races(void **state)
{
    (void)state;
    static const char *const notes[] = {
        "Valgrind 3.19.0 runs one thread at a time: this run is about memory, not about races",
        "Valgrind 3.19.0 runs one thread at a time: this run is about memory, not about races, and it does not see "
        "Python objects of a free-threaded CPython, which are not malloc's: the growth detector counts those"};
    for (int free_threaded = 0; free_threaded < 2; free_threaded++) {
        struct valgrind valgrind = {.version = "3.19.0"};
        struct request request = {.allow_gil = true};
        const struct mode_run mode = {
            .own = &valgrind, .request = &request, .probe = {.free_threaded = free_threaded}};
        struct job_settings settings = {.timeout = 1};
        struct run run = {0};
        mode_valgrind.configure(&mode, &settings, &run);
        assert_string_equal(run.notes.items[0], notes[free_threaded]);
        run_clear(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_way_to_fail_has_its_sentence),
        cmocka_unit_test(the_note_separates_memory_from_races),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
