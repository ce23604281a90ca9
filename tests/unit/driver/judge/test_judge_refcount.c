/* References that calls release too often or never, and what excuses them. */
#include "driver/judge/judge_series.h"

/* x, or what the relation is to it, gains `rate` references in each call; memory gains `pointers` to it. */
struct audit {
    enum audit_relation relation;
    int64_t rate, objects, deferred;
    bool has_pointers;
    int64_t pointers;
};

static void begin_audit(struct trial *trial, const struct audit *audit, enum changes changes)
{
    struct record record;
    begin(trial);
    trial->outcome.facts.changes = changes;
    add_calls(trial, COUNTED_CALLS);
    record_begin(&record, RECORD_AUDIT, RECORD_MAIN);
    record.values[AUDIT_RELATION] = audit->relation;
    record.values[AUDIT_KIND] = audit->deferred;
    record.values[AUDIT_OBJECTS] = audit->objects;
    record.values[AUDIT_NPOINTS] = RECORD_POINTS;
    record.values[AUDIT_HAS_POINTERS] = audit->has_pointers;
    record.values[AUDIT_POINTERS] = audit->pointers;
    grow_points(&record, AUDIT_POINTS, audit->rate);
    record_add_text(&record, "x");
    record_add_text(&record, "list");
    record_add_text(&record, "y");
    add_record(trial, &record);
}

static void references_that_are_lost_are_found(void **state)
{
    (void)state;
    static const struct {
        struct audit audit;
        enum finding_kind kind;
        const char *message;
    } rows[] = {
        {{.rate = 1},
         FINDING_REFERENCE_LEAK,
         "never released: x (list) gains 1.00 references in each call of f(x)"},
        {{.rate = -2},
         FINDING_REFCOUNT_UNDERFLOW,
         "released too often: x (list) loses 2.00 references in each call of f(x)"},
        {{.relation = AUDIT_ITEM, .rate = -4, .objects = 4},
         FINDING_REFCOUNT_UNDERFLOW,
         "a borrowed reference is released: each of 4 items of y (list) loses 1.00 references in each call of f(x)"},
        {{.rate = 1, .deferred = 1},
         FINDING_REFERENCE_LEAK,
         "never released: x (list) gains 1.00 references in each call of f(x); the interpreter defers some counts of "
         "this object"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin_audit(&trial, &rows[i].audit, CHANGES_NONE);
        judge(&trial, 1);
        assert_int_equal(only(&trial)->kind, rows[i].kind);
        assert_string_equal(only(&trial)->message, rows[i].message);
        end(&trial);
    }
}

static void figures_replace_the_sentence_without_them(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_text(&trial, RECORD_UNDERFLOW, "x", "f(x)");
    judge(&trial, 1);
    assert_int_equal(only(&trial)->detector, DETECTOR_CRASH);
    struct run run = trial.run;
    trial.run = (struct run){0};
    end(&trial);
    begin_audit(&trial, &(struct audit){.rate = -2}, CHANGES_NONE);
    trial.run = run;
    judge(&trial, 2);
    assert_int_equal(only(&trial)->detector, DETECTOR_REFCOUNT);
    assert_string_equal(only(&trial)->message,
                        "released too often: x (list) loses 2.00 references in each call of f(x)");
    end(&trial);
}

static void a_count_without_a_name_or_without_its_detector_is_no_finding(void **state)
{
    (void)state;
    for (unsigned off = 0; off < 2; off++) {
        struct trial trial;
        begin(&trial);
        if (off)
            trial.plan.detect &= ~DETECTOR_BIT(DETECTOR_CRASH);
        add_text(&trial, RECORD_UNDERFLOW, off ? "x" : "", "");
        assert_int_equal(judge(&trial, 1), 0);
        end(&trial);
    }
}

/* What threads do to shared arrays breaks memory, counts too; a call on one thread does not need them. */
static void a_count_under_statements_that_change_arrays_is_the_users(void **state)
{
    (void)state;
    for (unsigned serial = 0; serial < 2; serial++) {
        struct trial trial;
        begin(&trial);
        add_invariant(&trial, "x", "its shape changed", true);
        add_text(&trial, RECORD_UNDERFLOW, "x", serial ? "f(x)" : "");
        judge(&trial, 1);
        assert_int_equal(only(&trial)->blame == BLAME_USER, !serial);
        end(&trial);
    }
}

static void an_excuse_rests_on_what_was_counted(void **state)
{
    (void)state;
    static const struct {
        struct audit audit;
        enum changes changes;
        const char *note; /* NULL: a finding */
    } rows[] = {
        {{.rate = 1},
         CHANGES_SEEN,
         "refcount: x (list) gains 1.00 references in each call; no finding, because the "
         "statements change what they share, and its memory cannot be read"},
        {{.rate = 1, .has_pointers = true, .pointers = 900},
         CHANGES_SEEN,
         "refcount: x (list) gains 1.00 references in each call; no finding, because the statements change what they "
         "share, and memory has 900 new pointers to it"},
        {{.rate = 1, .has_pointers = true}, CHANGES_SEEN, NULL},
        {{.rate = 1, .has_pointers = true, .pointers = 900}, CHANGES_NONE, NULL},
        {{.rate = -1, .has_pointers = true, .pointers = -900},
         CHANGES_NONE,
         "refcount: x (list) loses 1.00 references in each call; no finding, because memory has 900 fewer pointers to "
         "it: they were released as they should be"},
        {{.rate = -1, .has_pointers = true}, CHANGES_NONE, NULL},
        {{.relation = AUDIT_CLASS, .rate = 1},
         CHANGES_NONE,
         "refcount: x (list) gains 1.00 references in each call; no finding, because nothing grows with references to "
         "a class; its tp_dealloc may lack the Py_DECREF of the type (--audit makes it one)"},
        {{.relation = AUDIT_CLASS, .rate = -1}, CHANGES_NONE, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin_audit(&trial, &rows[i].audit, rows[i].changes);
        assert_int_equal(judge(&trial, 1), rows[i].note == NULL);
        if (rows[i].note)
            assert_string_equal(trial.run.notes.items[0], rows[i].note);
        end(&trial);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_that_are_lost_are_found),
        cmocka_unit_test(figures_replace_the_sentence_without_them),
        cmocka_unit_test(a_count_without_a_name_or_without_its_detector_is_no_finding),
        cmocka_unit_test(a_count_under_statements_that_change_arrays_is_the_users),
        cmocka_unit_test(an_excuse_rests_on_what_was_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
