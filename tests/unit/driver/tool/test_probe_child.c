/* The probe of a child and its ABI, and the choice of an interpreter. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fd.h"
#include "driver/tool/probe.h"

#include <errno.h>
#include <stdlib.h>

#include "script.h"

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

/* Makes a venv with a link to this program as its python, and returns its path. */
static const char *make_venv(const char *program)
{
    char python[PATH_MAX];
    assert_int_equal(mkdir(in_folder("venv"), 0755) | mkdir(in_folder("venv/bin"), 0755), 0);
    snprintf(python, sizeof python, "%s", in_folder("venv/bin/python"));
    assert_int_equal(symlink(program, python), 0);
    return in_folder("venv");
}

/* Only a run shows what a program is that is not the file of the child's own interpreter. */
static void test_own_interpreter(void **state)
{
    (void)state;
    struct probe probe = {0};
    char own[PATH_MAX], venv[PATH_MAX];
    snprintf(own, sizeof own, "%s", script("python3.13t", "exit 1"));
    snprintf(venv, sizeof venv, "%s", make_venv(own));
    assert_false(probe_own(script("python", "exit 1"), own, "3.13t", &probe));
    assert_false(probe_own(in_folder("absent"), own, "3.13t", &probe));
    assert_false(probe_own(venv, own, "3.13", &probe)); /* it has the GIL */
    assert_true(probe_own(venv, own, "3.13t", &probe));
    assert_string_equal(probe.executable, in_folder("venv/bin/python"));
    assert_string_equal(probe.abi, "3.13t");
    assert_true(probe.free_threaded);
    probe_clear(&probe);
    assert_false(probe_own(strcat(venv, "/../venv"), own, "3.13t", &probe));
}

static void test_relative_path(void **state)
{
    (void)state;
    struct probe probe = {0};
    script("python3.13t", "exit 1");
    assert_int_equal(chdir(folder), 0);
    assert_true(probe_own("./python3.13t", in_folder("python3.13t"), "3.13t", &probe));
    assert_string_equal(probe.executable, in_folder("python3.13t"));
    probe_clear(&probe);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_child),  TEST(test_broken_children), TEST(test_abi),           TEST(test_abi_with_the_gil),
        TEST(test_choice), TEST(test_own_interpreter), TEST(test_relative_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
