/* The wire: records arrive as they were sent. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/wire/record_pipe.h"

static void round_trip(const struct record *sent)
{
    struct record_reader reader = {0};
    struct record got;
    int ends[2];
    open_pipe(ends);
    assert_int_equal(record_send(sent, ends[1]), 0);
    assert_true(record_read(&reader, ends[0]) > 0);
    assert_int_equal(record_next(&reader, &got), 1);
    assert_same(sent, &got);
    assert_int_equal(record_next(&reader, &got), 0);
    record_reader_clear(&reader);
    close_pipe(ends);
}

static void every_type_makes_the_round_trip(void **state)
{
    (void)state;
    struct record record;
    for (int type = RECORD_NONE; type < RECORD_TYPES; type++) {
        record_begin(&record, (enum record_type)type, RECORD_MAIN);
        round_trip(&record);
        record_add_text(&record, record_type_name((enum record_type)type));
        round_trip(&record);
    }
    make_exception(&record);
    round_trip(&record);
}

static void texts_come_back_in_order(void **state)
{
    (void)state;
    struct record record;
    make_exception(&record);
    assert_string_equal(record_text(&record, 0), "ValueError: Rankings must be of equal length.");
    assert_string_equal(record_text(&record, 1), "");
    assert_string_equal(record_text(&record, 2), "somersd(a, b)");
    assert_string_equal(record_text(&record, 3), "");
    assert_string_equal(record_text(&record, UINT_MAX), "");
}

static void types_have_names(void **state)
{
    (void)state;
    for (int type = RECORD_NONE; type < RECORD_TYPES; type++)
        assert_true(strlen(record_type_name((enum record_type)type)) > 0);
    assert_string_equal(record_type_name(RECORD_TYPES), "unknown");
    assert_string_equal(record_type_name((enum record_type)60000), "unknown");
}

static void a_full_record_is_one_atomic_write(void **state)
{
    (void)state;
    struct record record;
    char bytes[PIPE_BUF];
    uint64_t frames[2 * RECORD_FRAMES];
    for (size_t i = 0; i < 2 * RECORD_FRAMES; i++)
        frames[i] = i;
    record_begin(&record, RECORD_WRITE, 255);
    record_add_frames(&record, frames, 2 * RECORD_FRAMES);
    assert_int_equal(record.nframes, RECORD_FRAMES);
    for (int i = 0; i < 5000; i++)
        record_add_text(&record, "x");
    assert_true(record.text_size <= RECORD_TEXT);
    assert_true(wire_of(&record, bytes) <= PIPE_BUF);
    round_trip(&record);
}

/* Where the cut falls, for a text of `width`-byte characters behind `lead` bytes of ASCII. */
static void assert_cut(const char *character, size_t lead)
{
    char text[2 * RECORD_TEXT];
    size_t width = strlen(character), n = lead;
    memset(text, 'x', lead);
    while (n + width < sizeof text) {
        memcpy(text + n, character, width);
        n += width;
    }
    text[n] = '\0';
    struct record record;
    record_begin(&record, RECORD_NOTE, RECORD_MAIN);
    record_add_text(&record, text);
    size_t kept = strlen(record_text(&record, 0));
    assert_true(kept < RECORD_TEXT && kept + width >= RECORD_TEXT);
    assert_int_equal((kept - lead) % width, 0);
    assert_memory_equal(record_text(&record, 0), text, kept);
    round_trip(&record);
}

static void long_text_is_cut_between_characters(void **state)
{
    (void)state;
    static const char *const characters[] = {"a", "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < 4; i++)
        for (size_t lead = 0; lead < 5; lead++)
            assert_cut(characters[i], lead);
}

static void text_of_the_exact_size_is_whole(void **state)
{
    (void)state;
    char text[RECORD_TEXT + 1];
    struct record record;
    for (size_t length = RECORD_TEXT - 2; length <= RECORD_TEXT; length++) {
        memset(text, 'y', length);
        text[length] = '\0';
        record_begin(&record, RECORD_NOTE, RECORD_MAIN);
        record_add_text(&record, text);
        assert_int_equal(strlen(record_text(&record, 0)), length < RECORD_TEXT ? length : RECORD_TEXT - 1);
        record_add_text(&record, "no room");
        round_trip(&record);
    }
}

static void bytes_that_are_no_text_are_cut_too(void **state)
{
    (void)state;
    char text[2 * RECORD_TEXT];
    struct record record;
    memset(text, 0x80, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    record_begin(&record, RECORD_NOTE, RECORD_MAIN);
    record_add_text(&record, text);
    assert_true(strlen(record_text(&record, 0)) < RECORD_TEXT);
    round_trip(&record);
}

static void a_closed_pipe_is_an_error(void **state)
{
    (void)state;
    struct record record;
    make_exception(&record);
    assert_int_equal(record_send(&record, INT_MAX), -EBADF);
}

static bool is_hit(enum record_type type, int excuse)
{
    struct record record;
    record_begin(&record, type, 0);
    if (excuse >= 0)
        record.values[excuse] = 1;
    return record_is_hit(&record);
}

static void a_record_is_a_hit_unless_it_is_excused(void **state)
{
    (void)state;
    static const struct {
        enum record_type type;
        int value; /* that is set, or -1 */
        bool hit;
    } rows[] = {
        {RECORD_WRITE, -1, true},
        {RECORD_WRITE, WRITE_COUNT, true},
        {RECORD_WRITE, WRITE_SERIAL, false},
        {RECORD_WRITE, WRITE_KEPT, false},
        {RECORD_EXCEPTION, -1, true},
        {RECORD_EXCEPTION, EXCEPTION_MUTABLE, false},
        {RECORD_INVARIANT, INVARIANT_SERIAL, false},
        {RECORD_CRASH, -1, true},
        {RECORD_HEAP, 3, true},
        {RECORD_CORRUPT, -1, true},
        {RECORD_DIVERGE, -1, true},
        {RECORD_NOTE, -1, false},
        {RECORD_FINISHED, -1, false},
        {RECORD_TYPES, -1, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(is_hit(rows[i].type, rows[i].value), rows[i].hit);
}

/* The last one, because the guard stays. */
static void a_record_goes_to_no_other_file(void **state)
{
    (void)state;
    struct record record;
    static _Atomic uint32_t lost;
    int ends[2], others[2];
    char byte;
    open_pipe(ends);
    open_pipe(others);
    fcntl(others[0], F_SETFL, O_NONBLOCK);
    record_guard(ends[1], &lost);
    make_exception(&record);
    assert_int_equal(record_send(&record, ends[1]), 0);
    assert_false(record_lost());
    assert_int_equal(dup2(others[1], ends[1]), ends[1]);
    assert_int_equal(record_send(&record, ends[1]), -EBADF);
    assert_int_equal(read(others[0], &byte, 1), -1);
    assert_true(record_lost() && lost);
    close_pipe(others);
    close_pipe(ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_makes_the_round_trip),
        cmocka_unit_test(texts_come_back_in_order),
        cmocka_unit_test(types_have_names),
        cmocka_unit_test(a_full_record_is_one_atomic_write),
        cmocka_unit_test(long_text_is_cut_between_characters),
        cmocka_unit_test(text_of_the_exact_size_is_whole),
        cmocka_unit_test(bytes_that_are_no_text_are_cut_too),
        cmocka_unit_test(a_closed_pipe_is_an_error),
        cmocka_unit_test(a_record_is_a_hit_unless_it_is_excused),
        cmocka_unit_test(a_record_goes_to_no_other_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
