/* The parts of the guard without a heap: size classes, patterns, the depot of stacks, the table of the C library's own
 * blocks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "core/wire/violation.h"
#include "heap/interpose/native.h"
#include "heap/memory/pattern.h"
#include "heap/memory/size_class.h"
#include "heap/site/trace.h"

/* Size classes */

static void assert_fits(size_t need)
{
    unsigned number = class_of(need);
    assert_true(class_slot_size(number) >= need);
    if (number > 0)
        assert_true(class_slot_size(number - 1) < need);
}

static void every_size_gets_the_smallest_slot_that_fits(void **state)
{
    (void)state;
    for (size_t need = 0; need <= 300000; need++)
        assert_fits(need);
    for (unsigned shift = 10; shift < 50; shift++)
        for (unsigned eighth = 0; eighth < 8; eighth++)
            for (int more = -1; more <= 1; more++)
                assert_fits(((size_t)(8 + eighth) << (shift - 3)) + (size_t)more);
}

static void slots_grow_in_steps_of_16(void **state)
{
    (void)state;
    assert_int_equal(class_slot_size(0), CLASS_SLOT_MIN);
    for (unsigned number = 1; number < 350; number++) {
        assert_true(class_slot_size(number) > class_slot_size(number - 1));
        assert_int_equal(class_slot_size(number) % CLASS_STEP, 0);
        assert_int_equal(class_of(class_slot_size(number)), number);
    }
}

static void the_slack_is_a_step_or_an_eighth(void **state)
{
    (void)state;
    for (size_t need = CLASS_SLOT_MIN; need <= 300000; need++) {
        size_t slack = class_slot_size(class_of(need)) - need;
        assert_true(need <= CLASS_FINE_MAX ? slack < CLASS_STEP : slack < need / 8 + 1);
    }
}

static void slabs_end_where_they_should(void **state)
{
    (void)state;
    assert_int_equal(class_slot_size(CLASS_SLABS - 1), CLASS_SLAB_MAX);
    assert_int_equal(class_of(CLASS_SLAB_MAX + 1), CLASS_SLABS);
}

/* Patterns. The slots are only addresses. */

#define SLOTS 4096
static _Alignas(64) char room[128];

static const char *slot_number(size_t i, size_t slot_size)
{
    return (const char *)(UINTPTR_MAX / 3 / 65536 * 65536 + 64 + i * slot_size);
}

static void no_byte_is_zero_or_ascii(void **state)
{
    (void)state;
    for (size_t i = 0; i < 100000; i++) {
        uint64_t word = pattern_of(slot_number(i, 48));
        assert_int_equal(word & UINT64_C(0x8080808080808080), UINT64_C(0x8080808080808080));
        assert_int_equal(word >> 48, 0xdbdb);
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static void each_slot_has_a_word_of_its_own(void **state)
{
    (void)state;
    static uint64_t words[SLOTS];
    for (unsigned number = 0; number < CLASS_SLABS; number++) {
        for (size_t i = 0; i < SLOTS; i++)
            words[i] = pattern_of(slot_number(i, class_slot_size(number)));
        qsort(words, SLOTS, sizeof *words, compare);
        for (size_t i = 1; i < SLOTS; i++)
            assert_true(words[i - 1] != words[i]);
    }
}

static void filling_touches_its_bytes_alone(void **state)
{
    (void)state;
    uint64_t word = pattern_of(room);
    for (size_t from = 0; from <= 64; from++)
        for (size_t to = from; to <= 100; to++) {
            memset(room, 'x', sizeof room);
            pattern_fill(room + from, room + to, word);
            for (size_t i = 0; i < sizeof room; i++)
                assert_int_equal(room[i], i >= from && i < to ? pattern_byte(word, room + i) : 'x');
        }
}

static void assert_wrong_at(size_t from, size_t to, size_t first, size_t last, uint64_t word)
{
    pattern_fill(room, room + sizeof room, word);
    room[first] = 'y';
    room[last] = 'z';
    assert_ptr_equal(pattern_first_wrong(room + from, room + to, word), room + first);
    assert_ptr_equal(pattern_last_wrong(room + from, room + to, word), room + last);
}

static void the_first_and_the_last_wrong_byte_are_found(void **state)
{
    (void)state;
    uint64_t word = pattern_of(room);
    for (size_t from = 0; from < 24; from++)
        for (size_t to = from + 1; to <= 72; to++)
            for (size_t first = from; first < to; first++)
                assert_wrong_at(from, to, first, first + (to - 1 - first) / 2, word);
}

static void bytes_outside_are_not_compared(void **state)
{
    (void)state;
    uint64_t word = pattern_of(room);
    for (size_t from = 0; from < 40; from++)
        for (size_t to = from; to <= 100; to++) {
            memset(room, 'x', sizeof room);
            pattern_fill(room + from, room + to, word);
            assert_null(pattern_first_wrong(room + from, room + to, word));
        }
}

static void aligned_ranges_are_compared_to_the_bit(void **state)
{
    (void)state;
    uint64_t word = pattern_of(room);
    pattern_fill_aligned(room, room + 96, word);
    assert_int_equal(pattern_differs_aligned(room, room + 96, word), 0);
    assert_int_equal(pattern_differs_aligned(room, room, word), 0);
    for (unsigned bit = 0; bit < 8 * 96; bit++) {
        room[bit / 8] ^= (char)(1 << bit % 8);
        assert_true(pattern_differs_aligned(room, room + 96, word) != 0);
        room[bit / 8] ^= (char)(1 << bit % 8);
    }
}

/* Stacks */

static void make_frames(uint64_t frames[static VIOLATION_FRAMES], unsigned number)
{
    struct prng prng = prng_stream(5, number);
    for (unsigned i = 0; i < VIOLATION_FRAMES; i++)
        frames[i] = prng_next(&prng) >> 16;
}

static void a_kept_stack_comes_back(void **state)
{
    (void)state;
    uint64_t frames[VIOLATION_FRAMES], got[VIOLATION_FRAMES];
    for (unsigned number = 0; number < 1000; number++) {
        unsigned n = 1 + number % VIOLATION_FRAMES;
        make_frames(frames, number);
        uint64_t site = trace_store(frames, n);
        assert_int_equal(trace_store(frames, n), site);
        assert_int_equal(trace_expand(site, got, VIOLATION_FRAMES), n);
        assert_memory_equal(got, frames, n * sizeof *frames);
        assert_int_equal(trace_expand(site, got, 1), 1);
    }
}

static void stacks_that_differ_have_different_numbers(void **state)
{
    (void)state;
    uint64_t frames[VIOLATION_FRAMES];
    make_frames(frames, 5);
    uint64_t site = trace_store(frames, 8);
    assert_true(trace_store(frames, 7) != site);
    for (unsigned i = 0; i < 8; i++) {
        frames[i]++;
        assert_true(trace_store(frames, 8) != site);
        frames[i]--;
    }
    assert_int_equal(trace_store(frames, 8), site);
}

static void too_many_frames_are_cut(void **state)
{
    (void)state;
    uint64_t frames[2 * VIOLATION_FRAMES] = {7, 8, 9}, got[VIOLATION_FRAMES];
    uint64_t site = trace_store(frames, 2 * VIOLATION_FRAMES);
    assert_int_equal(trace_expand(site, got, VIOLATION_FRAMES), VIOLATION_FRAMES);
}

static void an_address_stands_for_itself(void **state)
{
    (void)state;
    uint64_t got[VIOLATION_FRAMES];
    assert_int_equal(trace_expand(0x7f1234567890, got, VIOLATION_FRAMES), 1);
    assert_int_equal(got[0], 0x7f1234567890);
    assert_int_equal(trace_expand(0, got, VIOLATION_FRAMES), 0);
}

/* The last test of stacks, because it fills the depot. */
static void a_full_depot_keeps_the_innermost_frame(void **state)
{
    (void)state;
    uint64_t frames[VIOLATION_FRAMES], got[VIOLATION_FRAMES];
    unsigned fell_back = 0;
    for (unsigned number = 2000; number < 150000; number++) {
        make_frames(frames, number);
        uint64_t site = trace_store(frames, VIOLATION_FRAMES);
        unsigned n = trace_expand(site, got, VIOLATION_FRAMES);
        fell_back += n == 1;
        assert_true(n == 1 || n == VIOLATION_FRAMES);
        assert_memory_equal(got, frames, n * sizeof *frames);
    }
    assert_true(fell_back > 150000 - 2000 - 65536 - 1 && fell_back < 100000);
}

static __attribute__((noinline)) unsigned stack_from_here(uint64_t *caller, uint64_t *frames, unsigned n)
{
    *caller = (uint64_t)(uintptr_t)__builtin_return_address(0);
    unsigned depth = trace_from(*caller, frames, n);
    __asm__ volatile("" ::: "memory"); /* no tail call */
    return depth;
}

static void a_stack_begins_with_the_caller(void **state)
{
    (void)state;
    uint64_t caller, frames[VIOLATION_FRAMES];
    assert_true(stack_from_here(&caller, frames, VIOLATION_FRAMES) > 2);
    assert_int_equal(frames[0], caller);
    assert_int_equal(stack_from_here(&caller, frames, 1), 1);
    assert_int_equal(frames[0], caller);
    assert_int_equal(trace_from(0x1234, frames, VIOLATION_FRAMES), 1);
    assert_int_equal(frames[0], 0x1234);
}

/* Blocks of the C library */

static const void *native(size_t i)
{
    return (const void *)(UINTPTR_MAX / 5 / 4096 * 4096 + i * 16);
}

static void a_kept_address_is_forgotten_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20000; i++)
        native_add(native(i));
    for (size_t i = 0; i < 20000; i++) {
        assert_true(native_remove(native(i)));
        assert_false(native_remove(native(i)));
    }
    assert_false(native_remove(native(20001)));
    assert_true(native_is_complete());
}

static void null_is_never_kept(void **state)
{
    (void)state;
    native_add(NULL);
    assert_false(native_remove(NULL));
    assert_true(native_is_complete());
}

static void places_of_the_forgotten_are_used_again(void **state)
{
    (void)state;
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < 20000; i++)
            native_add(native(round * 20000 + i));
        for (size_t i = 0; i < 20000; i++)
            assert_true(native_remove(native(round * 20000 + i)));
    }
    assert_true(native_is_complete());
}

/* The last test of the table, because it fills it. */
static void a_full_table_is_reported(void **state)
{
    (void)state;
    size_t kept = 0;
    for (size_t i = 0; i < 100000; i++)
        native_add(native(i));
    assert_false(native_is_complete());
    for (size_t i = 0; i < 100000; i++)
        kept += native_remove(native(i));
    assert_true(kept > 50000 && kept <= 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_gets_the_smallest_slot_that_fits),
        cmocka_unit_test(slots_grow_in_steps_of_16),
        cmocka_unit_test(the_slack_is_a_step_or_an_eighth),
        cmocka_unit_test(slabs_end_where_they_should),
        cmocka_unit_test(no_byte_is_zero_or_ascii),
        cmocka_unit_test(each_slot_has_a_word_of_its_own),
        cmocka_unit_test(filling_touches_its_bytes_alone),
        cmocka_unit_test(the_first_and_the_last_wrong_byte_are_found),
        cmocka_unit_test(bytes_outside_are_not_compared),
        cmocka_unit_test(aligned_ranges_are_compared_to_the_bit),
        cmocka_unit_test(a_kept_stack_comes_back),
        cmocka_unit_test(stacks_that_differ_have_different_numbers),
        cmocka_unit_test(too_many_frames_are_cut),
        cmocka_unit_test(an_address_stands_for_itself),
        cmocka_unit_test(a_stack_begins_with_the_caller),
        cmocka_unit_test(a_full_depot_keeps_the_innermost_frame),
        cmocka_unit_test(a_kept_address_is_forgotten_once),
        cmocka_unit_test(null_is_never_kept),
        cmocka_unit_test(places_of_the_forgotten_are_used_again),
        cmocka_unit_test(a_full_table_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
