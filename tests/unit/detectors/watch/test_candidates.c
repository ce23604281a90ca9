/* Candidates for watchpoints, and the files that are under test. This program loads its own target file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <string.h>

#include "base/prng.h"
#include "detectors/watch/candidates.h"
#include "detectors/watch/target_files.h"

static long words[64];

static struct candidate candidate_at(const void *at, uint8_t size, uint8_t flags, uint32_t weight)
{
    return (struct candidate){.address = (uintptr_t)at, .size = size, .flags = flags, .weight = weight};
}

static void add(const void *at, uint8_t size, uint8_t flags, uint32_t weight)
{
    struct candidate candidate = candidate_at(at, size, flags, weight);
    assert_true(candidates_add(&candidate));
}

static int forget(void **state)
{
    (void)state;
    candidates_forget_heap();
    return 0;
}

static void test_empty(void **state)
{
    (void)state;
    struct candidate chosen[4];
    assert_int_equal(candidates_pick(chosen, 4, 1), 0);
    candidates_reward((uintptr_t)words, 5);
    assert_int_equal(candidates_count(), 0);
}

static void test_one_word_has_one_entry(void **state)
{
    (void)state;
    struct candidate found;
    add((char *)words + 4, 2, CANDIDATE_READ | CANDIDATE_RANDOM, 1);
    assert_true(candidates_find((uintptr_t)words, &found));
    assert_ptr_equal(found.address, (char *)words + 4);
    assert_int_equal(found.size, 2);
    add((char *)words + 6, 1, CANDIDATE_WRITE, 1);
    assert_int_equal(candidates_count(), 1);
    assert_true(candidates_find((uintptr_t)words, &found));
    assert_ptr_equal(found.address, (char *)words + 4);
    assert_int_equal(found.size, 4);
    assert_int_equal(found.flags, CANDIDATE_READ | CANDIDATE_WRITE);
    assert_int_equal(found.weight, 1);
    assert_false(candidates_find((uintptr_t)&words[1], &found));
}

static unsigned count_picks(const void *word, unsigned picks)
{
    unsigned n = 0;
    struct candidate chosen;
    for (unsigned i = 0; i < picks; i++)
        n += candidates_pick(&chosen, 1, i) && chosen.address == (uintptr_t)word;
    return n;
}

static void test_heavy_words_rise(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++)
        add(&words[i], 8, CANDIDATE_RMW, 10);
    candidates_reward((uintptr_t)&words[3], 100000);
    assert_true(count_picks(&words[3], 20) > 12);
}

static void test_words_that_nothing_touches_sink(void **state)
{
    (void)state;
    struct candidate found;
    add(&words[0], 8, CANDIDATE_RMW, 1000);
    count_picks(&words[0], 200);
    assert_true(candidates_find((uintptr_t)&words[0], &found));
    assert_int_equal(found.weight, 1);
}

static void test_a_pick_has_no_word_twice(void **state)
{
    (void)state;
    struct candidate chosen[4];
    add(&words[0], 8, CANDIDATE_RMW, 1000000);
    add(&words[1], 8, CANDIDATE_RMW, 1);
    for (unsigned seed = 0; seed < 50; seed++) {
        unsigned n = candidates_pick(chosen, 4, seed);
        assert_true(n <= 2);
        assert_true(n < 2 || chosen[0].address != chosen[1].address);
    }
}

static void test_full(void **state)
{
    (void)state;
    struct candidate one = candidate_at(NULL, 8, CANDIDATE_RMW, 1);
    unsigned added = 0;
    for (unsigned i = 1; i < 10000; i++) {
        one.address = i * 8;
        added += candidates_add(&one);
    }
    assert_int_equal(added, candidates_count());
    assert_true(added < 9999);
}

static void test_files_of_system_and_interpreter(void **state)
{
    (void)state;
    Dl_info libc;
    assert_true(dladdr((void *)strtok, &libc));
    assert_true(target_files_is_foreign(""));
    assert_true(target_files_is_foreign("linux-vdso.so.1"));
    assert_true(target_files_is_foreign("/opt/py/lib/libpython3.13t.so.1.0"));
    assert_true(target_files_is_foreign("/opt/py/lib/python3.13t/lib-dynload/_json.cpython-313t.so"));
    assert_true(target_files_is_foreign("/opt/py/lib/libstdc++.so.6"));
    assert_false(target_files_is_foreign("/opt/py/lib/python3.13t/site-packages/xxhash/_xxhash.so"));
    assert_false(target_files_is_foreign("/home/me/project/fast.so"));
    assert_false(target_files_has_code((uintptr_t)strtok));
    assert_false(target_files_has_code((uintptr_t)test_full));
    assert_false(target_files_has_data((uintptr_t)words));
}

static void test_random_words_of_a_file(void **state)
{
    (void)state;
    struct candidate chosen[4];
    void *file = dlopen(FTSTRESS_TEST_FILE, RTLD_NOW);
    assert_non_null(file);
    assert_false(target_files_has_data((uintptr_t)dlsym(file, "own_words")));
    candidates_read_files();
    assert_true(target_files_has_code((uintptr_t)dlsym(file, "own_call")));
    uintptr_t own = (uintptr_t)dlsym(file, "own_words");
    assert_true(target_files_has_data(own));
    assert_false(target_files_has_data((uintptr_t)dlsym(file, "own_relocated")));
    unsigned inside = 0;
    for (unsigned seed = 0; seed < 100; seed++) {
        unsigned n = candidates_pick(chosen, 4, seed);
        for (unsigned i = 0; i < n; i++) {
            assert_true(target_files_has_data(chosen[i].address));
            assert_int_equal(chosen[i].flags, CANDIDATE_RANDOM);
            inside += chosen[i].address - own < 4096;
        }
    }
    assert_true(inside > 50);
    candidates_reward(own + 64, 10);
    candidates_forget_heap();
    assert_int_equal(candidates_count(), 1);
}

int main(void)
{
    candidates_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test_setup(test_one_word_has_one_entry, forget),
        cmocka_unit_test_setup(test_heavy_words_rise, forget),
        cmocka_unit_test_setup(test_words_that_nothing_touches_sink, forget),
        cmocka_unit_test_setup(test_a_pick_has_no_word_twice, forget),
        cmocka_unit_test_setup(test_full, forget),
        cmocka_unit_test_setup(test_files_of_system_and_interpreter, forget),
        cmocka_unit_test_setup(test_random_words_of_a_file, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
