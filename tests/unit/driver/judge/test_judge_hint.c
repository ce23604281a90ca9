/* The hint: which totals of an ordinary child are a note. */
#include "judge_trial.h"

#include "core/wire/counted.h"

#define HEAD "memory seems to grow: "

/* Two first windows, three short ones and three of twice the length, in blocks or bytes since the first point. */
static const int64_t calls[RECORD_POINTS] = {0, 50, 150, 250, 350, 450, 650, 850, 1050};

/* The same, in a child that is a thousand times faster. */
static const int64_t many_calls[RECORD_POINTS] = {0,      50000,  150000, 250000, 350000,
                                                  450000, 650000, 850000, 1050000};

static void add_points(struct trial *trial, enum record_type type, enum series_of of, const int64_t *points)
{
    struct record record;
    record_begin(&record, type, RECORD_MAIN);
    record.values[SERIES_OF] = type == RECORD_ARM ? RECORD_POINTS : (int64_t)of;
    record.values[SERIES_NPOINTS] = RECORD_POINTS;
    memcpy(&record.values[type == RECORD_ARM ? (int)ARM_POINTS : (int)SERIES_POINTS], points, sizeof calls);
    add_record(trial, &record);
}

/* Returns the note, "" if there is none; of a child with this series over these calls. */
static char *note_over(const int64_t *made, enum series_of of, const int64_t *points, bool changes)
{
    struct trial trial;
    char *note = NULL;
    begin(&trial);
    trial.outcome.facts.changes = changes ? CHANGES_SEEN : CHANGES_NONE;
    add_points(&trial, RECORD_ARM, of, made);
    add_points(&trial, RECORD_SERIES, of, points);
    assert_silent(&trial);
    assert_silent(&trial); /* a second child adds no second note */
    for (size_t i = 0; i < trial.run.notes.n; i++)
        if (strncmp(trial.run.notes.items[i], HEAD, strlen(HEAD)) == 0) {
            assert_null(note);
            note = strdup(trial.run.notes.items[i]);
        }
    end(&trial);
    return note ? note : strdup("");
}

static void a_child_with_windows_enough_looked(void **state)
{
    (void)state;
    static const struct {
        enum changes changes;
        bool on, windows, hints, hinted;
    } rows[] = {
        {CHANGES_NONE, true, true, true, true},
        {CHANGES_NONE, true, false, true, false},
        {CHANGES_SEEN, true, true, true, false},
        {CHANGES_NONE, false, false, false, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin(&trial);
        if (!rows[i].on)
            trial.plan.detect &= ~DETECTOR_BIT(DETECTOR_HINT);
        trial.outcome.facts.changes = rows[i].changes;
        if (rows[i].windows) {
            add_points(&trial, RECORD_ARM, SERIES_PYTHON_BLOCKS, calls);
            add_points(&trial, RECORD_SERIES, SERIES_PYTHON_BLOCKS, calls);
        }
        judge(&trial, 1);
        assert_int_equal(trial.run.hints, rows[i].hints);
        assert_int_equal(trial.run.hinted, rows[i].hinted);
        end(&trial);
    }
}

static void assert_note(enum series_of of, const int64_t *points, bool changes, const char *words)
{
    char *note = note_over(calls, of, points, changes);
    if (words ? !strstr(note, words) : *note)
        fail_msg("wanted a note with \"%s\", not \"%s\"", words ? words : "", note);
    free(note);
}

static void totals_that_grow_with_the_calls_are_a_note(void **state)
{
    (void)state;
    int64_t blocks[RECORD_POINTS], bytes[RECORD_POINTS], resident[RECORD_POINTS];
    for (int i = 0; i < RECORD_POINTS; i++) {
        blocks[i] = 60000 + calls[i];
        bytes[i] = 48 * calls[i];
        resident[i] = (30 << 20) + 8192 * calls[i];
    }
    assert_note(SERIES_PYTHON_BLOCKS, blocks, false,
                HEAD
                "1.00 blocks of CPython's allocators in each call; no finding: run it with --detect growth");
    assert_note(SERIES_NATIVE_BYTES, bytes, false, HEAD "48.00 bytes of malloc in each call");
    assert_note(SERIES_RESIDENT_BYTES, resident, false, HEAD "8192.00 bytes of resident memory in each call");
    assert_note(SERIES_PYTHON_BLOCKS, blocks, true, NULL); /* the statements may keep it on purpose */
}

static void a_small_rate_is_no_zero(void **state)
{
    (void)state;
    char *note = note_over(many_calls, SERIES_PYTHON_BLOCKS, calls, false);
    assert_non_null(strstr(note, HEAD "0.001 blocks of CPython's allocators in each call"));
    free(note);
}

static void resident_memory_alone_must_be_exact(void **state)
{
    (void)state;
    int64_t small[RECORD_POINTS], uneven[RECORD_POINTS];
    for (int i = 0; i < RECORD_POINTS; i++) {
        small[i] = (300 << 20) + 40960 * calls[i] / 100;
        uneven[i] = (300 << 20) + 40960 * calls[i] + (i % 2 ? 40960 * 20 : 0);
    }
    assert_note(SERIES_RESIDENT_BYTES, small, false, NULL);
    assert_note(SERIES_RESIDENT_BYTES, uneven, false, NULL);
}

static void totals_that_settle_are_none(void **state)
{
    (void)state;
    static const int64_t rows[][RECORD_POINTS] = {
        {900, 900, 900, 900, 900, 900, 900, 900, 900},
        {0, 128, 128, 128, 128, 128, 128, 128, 128}, /* a cache that fills in the first window */
        {0, 50, 150, 150, 150, 150, 250, 250, 250},  /* new keys in the first long window */
        {0, 40, 52, 50, 61, 49, 57, 44, 55},         /* frees that come late */
        {0, 400, 700, 800, 870, 910, 930, 945, 950}, /* free lists that fill more and more slowly */
        {0, 2, 4, 6, 8, 10, 14, 18, 22},             /* too few */
        {900, 800, 700, 600, 500, 400, 300, 200, 100},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_note(SERIES_PYTHON_BLOCKS, rows[i], false, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_with_windows_enough_looked),
        cmocka_unit_test(totals_that_grow_with_the_calls_are_a_note),
        cmocka_unit_test(a_small_rate_is_no_zero),
        cmocka_unit_test(resident_memory_alone_must_be_exact),
        cmocka_unit_test(totals_that_settle_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
