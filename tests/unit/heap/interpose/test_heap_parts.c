/* The parts of the guard without a heap: size classes, patterns, settings, sentences, violations on the wire, the depot
 * of stacks, the table of the C library's own blocks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "core/plan/guard_option.h"
#include "core/wire/violation.h"
#include "heap/interpose/native.h"
#include "heap/memory/pattern.h"
#include "heap/memory/size_class.h"
#include "heap/site/trace.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

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

/* Settings */

static void settings_are_read(void **state)
{
    (void)state;
    const struct {
        const char *text;
        struct guard_option option;
    } good[] = {
        {NULL, {.every = 20000, .pages = 256}},
        {"", {.every = 20000, .pages = 256}},
        {"whole", {.whole = true, .every = 20000, .pages = 256}},
        {"stacks,whole", {.whole = true, .stacks = true, .every = 20000, .pages = 256}},
        {"every=0,pages=0", {.every = 0}},
        {"every=4294967295,pages=4096", {.every = UINT32_MAX, .pages = 4096}},
        {"quarantine=4096,interval=100", {.every = 20000, .pages = 256, .quarantine = 4096, .interval = 100}},
        {"quarantine=1073741824,interval=10000000",
         {.every = 20000, .pages = 256, .quarantine = 1 << 30, .interval = 10000000}},
        {"every=1,every=7", {.every = 7, .pages = 256}},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct guard_option option;
        char error[200] = "";
        assert_int_equal(guard_option_parse(good[i].text, &option, error, sizeof error), 0);
        assert_int_equal(option.whole, good[i].option.whole);
        assert_int_equal(option.stacks, good[i].option.stacks);
        assert_int_equal(option.every, good[i].option.every);
        assert_int_equal(option.pages, good[i].option.pages);
        assert_int_equal(option.quarantine, good[i].option.quarantine);
        assert_int_equal(option.interval, good[i].option.interval);
        assert_string_equal(error, "");
    }
}

static void bad_settings_get_a_sentence(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"hole", "hole"},
        {"wholes", "wholes"},
        {"whole=1", "whole=1"},
        {"every", "every"},
        {"every=", "every="},
        {"every=-1", "every=-1"},
        {"every=+1", "every=+1"},
        {"every= 1", "every= 1"},
        {"every=1k", "every=1k"},
        {"every=4294967296", "every=4294967296"},
        {"every=99999999999999999999999999", "every=99999999999999999999999999"},
        {"every=0000000000000000000000000000000001", "every=0000000000000000000000000000000001"},
        {"pages=4097", "pages=4097"},
        {"quarantine=4095", "quarantine=4095"},
        {"quarantine=1073741825", "quarantine=1073741825"},
        {"interval=99", "interval=99"},
        {"whole,,stacks", ""},
        {",", ""},
        {"stacks,interval=x,whole", "interval=x"},
        {"Whole", "Whole"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct guard_option option;
        char error[400], want[200];
        assert_int_equal(guard_option_parse(bad[i][0], &option, error, sizeof error), -EINVAL);
        snprintf(want, sizeof want,
                 "'%s' is none of the guard's settings, which are whole, stacks, every=N, ", bad[i][1]);
        assert_memory_equal(error, want, strlen(want));
        assert_non_null(strstr(error, "quarantine=BYTES (4096 to 1073741824)"));
    }
}

static void a_long_bad_setting_is_cut(void **state)
{
    (void)state;
    char text[400], error[200];
    struct guard_option option;
    memset(text, 'w', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(guard_option_parse(text, &option, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "' is none of the guard's settings"));
    assert_int_equal(guard_option_parse(text, &option, error, 10), -EINVAL);
    assert_int_equal(strlen(error), 9);
}

/* Sentences */

static const struct sentence {
    const char *text;
    struct violation violation;
} sentences[] = {
    {"wrote 8 bytes past the end of a block of 24 bytes",
     {.kind = VIOLATION_AFTER, .size = 24, .offset = 24, .length = 8}},
    {"wrote 1 byte past the end of a block of 1 byte",
     {.kind = VIOLATION_AFTER, .size = 1, .offset = 1, .length = 1}},
    {"wrote 8 bytes 64 bytes past the end of a block of 24 bytes",
     {.kind = VIOLATION_AFTER, .size = 24, .offset = 88, .length = 8}},
    {"wrote 8 bytes 1 byte past the end of an array of 80 bytes",
     {.kind = VIOLATION_AFTER, .size = 80, .block = BLOCK_ARRAY, .offset = 81, .length = 8}},
    {"wrote past the end of a block of 24 bytes",
     {.kind = VIOLATION_AFTER, .found = FOUND_TRAP, .size = 24, .offset = 24}},
    {"wrote 8 bytes before the start of a block of 24 bytes",
     {.kind = VIOLATION_BEFORE, .size = 24, .offset = -8, .length = 8}},
    {"wrote 8 bytes 2 bytes before the start of a block of 24 bytes",
     {.kind = VIOLATION_BEFORE, .size = 24, .offset = -10, .length = 8}},
    {"wrote before the start of a float64 (10,)",
     {.kind = VIOLATION_BEFORE,
      .found = FOUND_TRAP,
      .size = 80,
      .block = BLOCK_ARRAY,
      .array = {'f', 8, 1, 0},
      .offset = -1}},
    {"wrote 3 bytes to a freed block of 24 bytes",
     {.kind = VIOLATION_FREED_WRITE, .size = 24, .offset = 4, .length = 3}},
    {"wrote to a freed float64 (10,)",
     {.kind = VIOLATION_FREED_WRITE,
      .found = FOUND_TRAP,
      .size = 80,
      .block = BLOCK_ARRAY,
      .array = {'f', 8, 1, 0}}},
    {"wrote 16 bytes to memory that no block holds", {.kind = VIOLATION_STRAY, .length = 16}},
    {"read past the end of an array of 80 bytes",
     {.kind = VIOLATION_READ_AFTER, .found = FOUND_TRAP, .size = 80, .block = BLOCK_ARRAY, .offset = 80}},
    {"read before the start of a block of 0 bytes", {.kind = VIOLATION_READ_BEFORE, .found = FOUND_TRAP}},
    {"read a freed array of 80 bytes", {.kind = VIOLATION_FREED_READ, .size = 80, .block = BLOCK_ARRAY}},
    {"freed a block of 24 bytes twice", {.kind = VIOLATION_DOUBLE_FREE, .size = 24}},
    {"freed a float64 (10,) twice",
     {.kind = VIOLATION_DOUBLE_FREE, .size = 80, .block = BLOCK_ARRAY, .array = {'f', 8, 1, 0}}},
    {"freed a pointer 8 bytes into a block of 24 bytes",
     {.kind = VIOLATION_INTERIOR_FREE, .size = 24, .offset = 8}},
    {"freed a pointer that malloc never returned", {.kind = VIOLATION_FOREIGN_FREE, .address = 0x1234}},
    {"released a block of 24 bytes from new with free",
     {.kind = VIOLATION_MISMATCH, .size = 24, .block = BLOCK_NEW, .offset = BLOCK_MALLOC}},
    {"released a block of 24 bytes from new[] with delete",
     {.kind = VIOLATION_MISMATCH, .size = 24, .block = BLOCK_NEW_ARRAY, .offset = BLOCK_NEW}},
    {"released a block of 24 bytes from malloc with delete[]",
     {.kind = VIOLATION_MISMATCH, .size = 24, .block = BLOCK_MALLOC, .offset = BLOCK_NEW_ARRAY}},
};

static void each_kind_has_its_sentence(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (size_t i = 0; i < COUNT(sentences); i++) {
        char text[256];
        violation_say(&sentences[i].violation, text, sizeof text);
        assert_string_equal(text, sentences[i].text);
        seen |= 1U << sentences[i].violation.kind;
    }
    assert_int_equal(seen, (1U << VIOLATION_KINDS) - 1);
}

static void a_sentence_is_cut_to_its_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sentences); i++)
        for (size_t n = 1; n < 80; n++) {
            char text[80];
            text[n] = 'x';
            violation_say(&sentences[i].violation, text, n);
            assert_int_equal(strncmp(text, sentences[i].text, n - 1), 0);
            assert_true(strlen(text) < n);
            assert_int_equal(text[n], 'x');
        }
}

static void blocks_are_described(void **state)
{
    (void)state;
    const struct {
        const char *text;
        enum block_kind kind;
        size_t size;
        struct block_array array;
    } blocks[] = {
        {"a block of 24 bytes", BLOCK_MALLOC, 24, {0}},
        {"a block of 1 byte", BLOCK_NEW, 1, {0}},
        {"a block of 0 bytes", BLOCK_RAW, 0, {0}},
        {"an array of 80 bytes", BLOCK_ARRAY, 80, {0}},
        {"a float64 (10,)", BLOCK_ARRAY, 80, {'f', 8, 1, 0}},
        {"a float32 (3, 4)", BLOCK_ARRAY, 48, {'f', 4, 2, 3}},
        {"an int64 (2,)", BLOCK_ARRAY, 16, {'i', 8, 1, 0}},
        {"a uint8 (7,)", BLOCK_ARRAY, 7, {'u', 1, 1, 0}},
        {"a complex128 (1,)", BLOCK_ARRAY, 16, {'c', 16, 1, 0}},
        {"a bool (5,)", BLOCK_ARRAY, 5, {'b', 1, 1, 0}},
        {"a V12 (2,)", BLOCK_ARRAY, 24, {'V', 12, 1, 0}},
        {"a float64 array of 100 elements in 2 dimensions", BLOCK_ARRAY, 800, {'f', 8, 2, 0}},
        {"a float64 array of 8 elements in 3 dimensions", BLOCK_ARRAY, 64, {'f', 8, 3, 2}},
        {"a float64 array of 1 elements in 0 dimensions", BLOCK_ARRAY, 8, {'f', 8, 0, 0}},
        {"a float64 (0,)", BLOCK_ARRAY, 1, {'f', 8, 1, 0}},
    };
    for (size_t i = 0; i < COUNT(blocks); i++) {
        struct violation violation = {
            .size = blocks[i].size, .block = blocks[i].kind, .array = blocks[i].array};
        char text[128];
        violation_say_block(&violation, text, sizeof text);
        assert_string_equal(text, blocks[i].text);
    }
}

/* The wire */

static void make_violation(struct violation *violation, struct prng *prng)
{
    memset(violation, 0, sizeof *violation);
    violation->kind = (enum violation_kind)(prng_next(prng) % VIOLATION_KINDS);
    violation->found = (enum violation_found)(prng_next(prng) % FOUND_WAYS);
    violation->block = (enum block_kind)(prng_next(prng) % BLOCK_KINDS);
    violation->address = prng_next(prng);
    violation->size = prng_next(prng);
    violation->array = (struct block_array){(char)prng_next(prng), (uint8_t)prng_next(prng),
                                            (uint8_t)prng_next(prng), (uint8_t)prng_next(prng)};
    violation->offset = (int64_t)prng_next(prng);
    violation->length = prng_next(prng);
    violation->sequence = (uint32_t)prng_next(prng);
    violation->iteration = (uint32_t)prng_next(prng);
    violation->step = (uint16_t)prng_next(prng);
    violation->worker = (uint16_t)prng_next(prng);
    violation->free_worker = (uint16_t)prng_next(prng);
    violation->round = prng_next(prng);
    violation->alloc_site = prng_next(prng);
    violation->free_site = prng_next(prng);
}

static unsigned make_stack(uint64_t frames[static VIOLATION_FRAMES], struct prng *prng)
{
    unsigned n = (unsigned)(prng_next(prng) % (VIOLATION_FRAMES + 1));
    for (unsigned i = 0; i < n; i++)
        frames[i] = prng_next(prng);
    return n;
}

static void make_whole_violation(struct violation *violation, struct prng *prng)
{
    make_violation(violation, prng);
    violation->nalloc = make_stack(violation->alloc, prng);
    violation->nfree = make_stack(violation->free, prng);
    violation->nfound = make_stack(violation->here, prng);
    violation->nbytes = (unsigned)(prng_next(prng) % (VIOLATION_BYTES + 1));
    for (unsigned i = 0; i < violation->nbytes; i++)
        violation->bytes[i] = (unsigned char)prng_next(prng);
}

static void a_violation_comes_back_from_its_record(void **state)
{
    (void)state;
    struct prng prng = prng_stream(3, 0);
    for (int round = 0; round < 20000; round++) {
        struct violation sent, got;
        struct record record;
        make_whole_violation(&sent, &prng);
        violation_to_record(&sent, &record);
        assert_int_equal(record.type, RECORD_HEAP);
        assert_int_equal(record.worker, sent.worker);
        memset(&got, 0x5a, sizeof got);
        violation_from_record(&record, &got);
        assert_memory_equal(sent.bytes, got.bytes, sizeof sent.bytes);
        assert_memory_equal(sent.alloc, got.alloc, sizeof sent.alloc);
        assert_memory_equal(sent.free, got.free, sizeof sent.free);
        assert_memory_equal(sent.here, got.here, sizeof sent.here);
        assert_memory_equal(&sent, &got, offsetof(struct violation, bytes));
    }
}

/* Any record yields a violation that can be printed. */
static void a_record_that_lies_is_put_into_range(void **state)
{
    (void)state;
    struct prng prng = prng_stream(4, 0);
    for (int round = 0; round < 20000; round++) {
        struct record record;
        struct violation violation;
        char text[256];
        record_begin(&record, RECORD_HEAP, 1);
        for (size_t i = 0; i < RECORD_VALUES; i++)
            record.values[i] = (int64_t)(prng_next(&prng) >> prng_next(&prng) % 64);
        unsigned nbytes = (unsigned)(prng_next(&prng) >> (32 + prng_next(&prng) % 32));
        memcpy((char *)record.values + offsetof(struct violation, nbytes), &nbytes, sizeof nbytes);
        record_add_frames(&record, (uint64_t[]){1, 2, 3, 4, 5}, prng_next(&prng) % 6);
        violation_from_record(&record, &violation);
        assert_in_range(violation.kind, 0, VIOLATION_KINDS - 1);
        assert_in_range(violation.found, 0, FOUND_WAYS - 1);
        assert_in_range(violation.block, 0, BLOCK_KINDS - 1);
        assert_true(violation.nalloc + violation.nfree + violation.nfound <= record.nframes);
        assert_int_equal(violation.nbytes, nbytes < VIOLATION_BYTES ? nbytes : VIOLATION_BYTES);
        violation_say(&violation, text, sizeof text);
        assert_true(strlen(text) > 0);
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
        cmocka_unit_test(settings_are_read),
        cmocka_unit_test(bad_settings_get_a_sentence),
        cmocka_unit_test(a_long_bad_setting_is_cut),
        cmocka_unit_test(each_kind_has_its_sentence),
        cmocka_unit_test(a_sentence_is_cut_to_its_room),
        cmocka_unit_test(blocks_are_described),
        cmocka_unit_test(a_violation_comes_back_from_its_record),
        cmocka_unit_test(a_record_that_lies_is_put_into_range),
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
