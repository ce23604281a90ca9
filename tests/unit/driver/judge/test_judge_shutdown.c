/* What calls made and Python's end left, and its holder. */
#include "driver/judge/judge_series.h"

/* Two objects for each of 600 calls, or as many as `each` in every part of 200. */
static void add_left(struct trial *trial, enum series_of of, enum holder holder, const char *path,
                     int64_t each)
{
    struct record record;
    record_begin(&record, RECORD_LEFT, RECORD_MAIN);
    record.values[LEFT_OF] = of;
    record.values[LEFT_FIRST] = 7;
    for (int part = 0; part < COUNTED_PARTS; part++) {
        record.values[LEFT_PARTS + part] = each;
        record.values[LEFT_CALLS + part] = 200;
    }
    record.values[LEFT_BYTES] = 4096;
    record.values[LEFT_HOLDER] = holder;
    record_add_text(&record, of == SERIES_OBJECTS ? "planted.Item" : "planted.so+0x1f");
    record_add_text(&record, path);
    record_add_frames(&record, (uint64_t[]){(uint64_t)guilty + 1}, 1);
    add_record(trial, &record);
}

static void the_holder_is_named(void **state)
{
    (void)state;
    static const struct {
        enum holder holder;
        const char *path, *message;
    } rows[] = {
        {HOLDER_STATIC, "planted.Item",
         "1207 planted.Item, 2.00 for each call, left when Python had ended; held by static data: planted.Item"},
        {HOLDER_THREAD, "",
         "1207 planted.Item, 2.00 for each call, left when Python had ended; held by a variable of "
         "the main thread"},
        {HOLDER_CYCLE, "planted.Item.next",
         "1207 planted.Item, 2.00 for each call, left when Python had ended; held by "
         "a cycle: planted.Item.next"},
        {HOLDER_OBJECT, "list[0]",
         "1207 planted.Item, 2.00 for each call, left when Python had ended; held by an "
         "object that nothing refers to: list[0]"},
        {HOLDER_NOBODY, "",
         "1207 planted.Item, 2.00 for each call, left when Python had ended; no memory refers to it: "
         "its reference was lost"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin(&trial);
        add_left(&trial, SERIES_OBJECTS, rows[i].holder, rows[i].path, 400);
        judge(&trial, 1);
        assert_int_equal(only(&trial)->kind, FINDING_SHUTDOWN_LEAK);
        assert_string_equal(only(&trial)->message, rows[i].message);
        end(&trial);
    }
}

static void native_blocks_have_their_size_and_the_release_step(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.plan.release = strdup("m.clear()");
    add_left(&trial, SERIES_NATIVE_BLOCKS, HOLDER_UNKNOWN, "", 400);
    judge(&trial, 1);
    assert_string_equal(only(&trial)->message,
                        "1207 native blocks of 4096 bytes, 2.00 for each call, left when Python "
                        "had ended; `m.clear()` did not free them");
    assert_string_equal(only(&trial)->function, "guilty");
    assert_string_equal(only(&trial)->stacks[0].title, "made here");
    end(&trial);
}

static void what_does_not_grow_with_the_calls_is_a_note(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_left(&trial, SERIES_OBJECTS, HOLDER_THREAD, "cache", 0);
    assert_silent(&trial);
    assert_noted(
        &trial,
        "process-lifetime-floor: left when Python had ended: 7 planted.Item, held by a variable of the "
        "main thread: cache");
    end(&trial);
}

static void immortal_objects_excuse_what_they_hold(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_left(&trial, SERIES_OBJECTS, HOLDER_OBJECT, "list[0]", 400);
    trial.outcome.records[trial.outcome.nrecords - 1]->values[LEFT_IMMORTAL] = 600;
    assert_silent(&trial);
    assert_noted(&trial,
                 "held by an object that nothing refers to: list[0]: the interpreter made objects immortal "
                 "meanwhile, and keeps what they hold");
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_holder_is_named),
        cmocka_unit_test(native_blocks_have_their_size_and_the_release_step),
        cmocka_unit_test(what_does_not_grow_with_the_calls_is_a_note),
        cmocka_unit_test(immortal_objects_excuse_what_they_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
