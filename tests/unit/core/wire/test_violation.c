/* Violations: each kind has its sentence, and they come back from the wire. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/prng.h"
#include "core/wire/violation.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_sentence),
        cmocka_unit_test(a_sentence_is_cut_to_its_room),
        cmocka_unit_test(blocks_are_described),
        cmocka_unit_test(a_violation_comes_back_from_its_record),
        cmocka_unit_test(a_record_that_lies_is_put_into_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
