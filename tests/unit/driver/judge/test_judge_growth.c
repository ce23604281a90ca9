/* Growth: what is lost or kept, its holder and its maker; and what is a note. */
#include "driver/judge/judge_series.h"

static void begin_growth(struct trial *trial)
{
    begin(trial);
    trial->plan.detect = DETECTOR_BIT(DETECTOR_GROWTH);
    add_calls(trial, COUNTED_CALLS);
}

static void lost_objects_have_a_maker_and_no_holder(void **state)
{
    (void)state;
    struct trial trial;
    begin_growth(&trial);
    add_series(&trial, &(struct series){.of = SERIES_OBJECTS,
                                        .name = "planted.Item",
                                        .rate = 1,
                                        .holder = HOLDER_NOBODY,
                                        .maker = guilty});
    judge(&trial, 1);
    const struct finding *finding = only(&trial);
    assert_int_equal(finding->kind, FINDING_REFERENCE_LEAK);
    assert_string_equal(finding->message,
                        "guilty (planted 1.2) loses in each call: 1.00 planted.Item; nothing refers "
                        "to planted.Item objects: their references were lost");
    assert_string_equal(finding->reason, "planted allocated what is not freed");
    assert_string_equal(finding->stacks[0].title, "memory of planted.Item is allocated here");
    end(&trial);
}

static void native_memory_has_its_allocator(void **state)
{
    (void)state;
    struct trial trial;
    begin_growth(&trial);
    add_series(&trial, &(struct series){
                           .of = SERIES_SITE_BYTES, .name = "1f PyMem_Malloc", .rate = 64, .maker = guilty});
    add_series(&trial, &(struct series){
                           .of = SERIES_SITE_BLOCKS, .name = "1f PyMem_Malloc", .rate = 2, .maker = guilty});
    judge(&trial, 1);
    const struct finding *finding = only(&trial);
    assert_int_equal(finding->kind, FINDING_MEMORY_GROWTH);
    assert_string_equal(finding->message,
                        "guilty (planted 1.2) loses in each call: 64.0 bytes of native memory in 2.00 "
                        "blocks from PyMem_Malloc");
    assert_string_equal(finding->stacks[0].title, "64.0 bytes are allocated here");
    end(&trial);
}

static void objects_without_a_maker_have_a_holder(void **state)
{
    (void)state;
    struct trial trial;
    begin_growth(&trial);
    add_series(
        &trial,
        &(struct series){
            .of = SERIES_OBJECTS, .name = "list", .rate = 1, .holder = HOLDER_MODULE, .path = "m.cache"});
    judge(&trial, 1);
    const struct finding *finding = only(&trial);
    assert_string_equal(
        finding->message,
        "f (Python code, or the interpreter) keeps in each call: 1.00 list; held: list <- m.cache");
    assert_string_equal(finding->reason, "no package allocated it: Python code or the interpreter did");
    end(&trial);
}

static void containers_that_the_statements_change_may_keep(void **state)
{
    (void)state;
    static const char message[] =
        "growth: f (Python code, or the interpreter) keeps in each call: 1.00 list; held: list <- m.cache; no finding, "
        "because the statements change what they share";
    for (int changes = CHANGES_NONE; changes <= CHANGES_SEEN; changes++) {
        struct trial trial;
        begin_growth(&trial);
        trial.outcome.facts.changes = (enum changes)changes;
        add_series(
            &trial,
            &(struct series){
                .of = SERIES_OBJECTS, .name = "list", .rate = 1, .holder = HOLDER_MODULE, .path = "m.cache"});
        judge(&trial, 1);
        if (changes == CHANGES_SEEN)
            assert_noted(&trial, message);
        else
            assert_int_equal(only(&trial)->nlines, changes == CHANGES_POSSIBLE);
        if (changes == CHANGES_POSSIBLE)
            assert_string_equal(only(&trial)->lines[0],
                                "the statements share objects that cannot be looked into: where "
                                "one of them is meant to keep this, it is no leak");
        end(&trial);
    }
}

/* What a part of the calls loses is a finding without a holder, or where no cache has that size. */
static void a_cache_that_fills_is_no_leak(void **state)
{
    (void)state;
    static const struct {
        int64_t rate, each;
        enum holder holder;
        bool is_finding;
    } rows[] = {
        {1, 5, HOLDER_STATIC, false}, {1, 5, HOLDER_NOBODY, true},      {6, 5, HOLDER_HEAP, false},
        {2, 1, HOLDER_STATIC, true},  {3000, 101, HOLDER_STATIC, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin_growth(&trial);
        add_series(&trial, &(struct series){.of = SERIES_OBJECTS,
                                            .name = "str",
                                            .rate = rows[i].rate,
                                            .each = rows[i].each,
                                            .holder = rows[i].holder,
                                            .path = "m.so+0x10",
                                            .maker = guilty});
        assert_int_equal(judge(&trial, 1), rows[i].is_finding);
        if (i == 0)
            assert_noted(
                &trial,
                "growth: guilty (planted 1.2) keeps in each call: 0.20 str; held: str <- m.so+0x10; no "
                "finding, because a cache that fills, or a list that is trimmed later, looks the same over few "
                "calls; give it more --time");
        end(&trial);
    }
}

/* Half of the calls of the other tests: a container that its library bounds may not be full yet. */
static void what_is_held_is_no_leak_over_few_calls(void **state)
{
    (void)state;
    static const struct {
        enum holder holder, beside;
        bool is_finding;
    } rows[] = {
        {HOLDER_MODULE, 0, false},
        {HOLDER_OBJECT, 0, false},
        {HOLDER_NOBODY, 0, true},
        {HOLDER_HEAP, 0, true},
        {HOLDER_UNKNOWN, 0, true},
        {HOLDER_UNKNOWN, HOLDER_STATIC, false},
        {HOLDER_NOBODY, HOLDER_STATIC, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin_growth(&trial);
        struct record *calls = (struct record *)trial.outcome.records[0];
        for (int k = 0; k < RECORD_POINTS; k++)
            calls->values[ARM_POINTS + k] /= 2;
        add_series(&trial, &(struct series){.of = SERIES_OBJECTS,
                                            .name = "str",
                                            .rate = 10,
                                            .holder = rows[i].holder,
                                            .path = "m",
                                            .maker = guilty});
        if (rows[i].beside)
            add_series(&trial, &(struct series){.of = SERIES_OBJECTS,
                                                .name = "list",
                                                .rate = 10,
                                                .holder = rows[i].beside,
                                                .path = "m",
                                                .maker = guilty});
        assert_int_equal(judge(&trial, 1), rows[i].is_finding);
        end(&trial);
    }
}

static void objects_that_are_made_immortal_need_no_holder(void **state)
{
    (void)state;
    struct trial trial;
    begin_growth(&trial);
    add_series(&trial,
               &(struct series){.of = SERIES_OBJECTS, .name = "m.T", .rate = 1, .holder = HOLDER_IMMORTAL});
    judge(&trial, 1);
    assert_string_equal(only(&trial)->message,
                        "f (Python code, or the interpreter) loses in each call: 1.00 m.T; m.T "
                        "objects are made immortal: nothing frees them");
    end(&trial);
}

/* `release`: the plan's; `stays`: with it, too. */
static void assert_cached(const char *release, bool stays, bool is_finding, const char *message)
{
    struct trial trial;
    begin_growth(&trial);
    trial.plan.fresh = strdup("g()");
    trial.plan.release = release ? strdup(release) : NULL;
    for (enum counted_arm arm = COUNTED_NEW; arm < COUNTED_ARMS; arm++) {
        add_calls(&trial, arm);
        add_series(&trial, &(struct series){.arm = arm,
                                            .of = SERIES_OBJECTS,
                                            .name = "m.Key",
                                            .rate = arm == COUNTED_NEW || stays,
                                            .holder = HOLDER_STATIC,
                                            .path = "m",
                                            .maker = guilty});
    }
    assert_int_equal(judge(&trial, 1), is_finding);
    if (is_finding)
        assert_string_equal(only(&trial)->message, message);
    else
        assert_noted(&trial, message);
    end(&trial);
}

static void what_new_calls_keep_is_a_cache_or_a_loss(void **state)
{
    (void)state;
    assert_cached("m.clear()", true, true,
                  "guilty (planted 1.2) keeps for each new call, also after `m.clear()`: 1.00 "
                  "m.Key; held: m.Key <- m");
    assert_cached("m.clear()", false, false,
                  "unbounded-cache: guilty (planted 1.2) keeps for each new call, until "
                  "`m.clear()`: 1.00 m.Key; held: m.Key <- m");
    assert_cached(NULL, false, true,
                  "guilty (planted 1.2) keeps for each new call, in an unbounded cache or by a loss: "
                  "1.00 m.Key; held: m.Key <- m; name the release step with --release to separate "
                  "the two");
}

static void immortal_objects_excuse_what_they_hold(void **state)
{
    (void)state;
    struct trial trial;
    begin_growth(&trial);
    add_series(&trial, &(struct series){.of = SERIES_OBJECTS,
                                        .name = "function",
                                        .rate = 1,
                                        .holder = HOLDER_OBJECT,
                                        .path = "dict",
                                        .immortal = 1100});
    assert_silent(&trial);
    assert_noted(
        &trial,
        "growth: f (Python code, or the interpreter) keeps in each call: 1.00 function; held: function "
        "<- dict; no finding, because the interpreter made objects immortal meanwhile, and keeps what "
        "they hold");
    assert_noted(
        &trial,
        "the interpreter made function objects immortal while the statements ran, and keeps what they "
        "hold: not the target's leak");
    end(&trial);
}

static void caches_of_the_interpreter_are_a_note(void **state)
{
    (void)state;
    struct trial trial;
    begin_growth(&trial);
    struct series series = {.of = SERIES_OBJECTS, .name = "tuple", .rate = 1, .holder = HOLDER_INTERPRETER};
    add_series(&trial, &series);
    add_calls(&trial, COUNTED_NEW);
    series.arm = COUNTED_NEW;
    series.name = "type";
    add_series(&trial, &series);
    assert_silent(&trial);
    assert_noted(&trial, "growth: caches of the interpreter's own still took up 1.00 tuple in each call");
    assert_noted(&trial, "growth: caches of the interpreter's own still took up 1.00 type in each new call");
    end(&trial);
}

static void memory_of_no_allocator_is_a_note(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        struct trial trial;
        begin_growth(&trial);
        add_series(&trial, &(struct series){.of = SERIES_RESIDENT_BYTES, .name = "", .rate = 4096});
        if (known)
            add_series(&trial, &(struct series){.of = SERIES_NATIVE_BYTES, .name = "", .rate = 4096});
        assert_silent(&trial);
        assert_int_equal(trial.run.notes.n, !known);
        if (!known)
            assert_noted(
                &trial,
                "resident memory grows by about 4.0 KiB in each call, and blocks of malloc and of Python do "
                "not: it may be mmap");
        end(&trial);
    }
}

/* 1100 calls at 512 bytes: the pages of allocators explain that much. */
static void a_little_resident_memory_is_no_note(void **state)
{
    (void)state;
    struct trial trial;
    begin_growth(&trial);
    add_series(&trial, &(struct series){.of = SERIES_RESIDENT_BYTES, .name = "", .rate = 600});
    assert_silent(&trial);
    assert_int_equal(trial.run.notes.n, 0);
    end(&trial);
}

static void add_table(struct trial *trial)
{
    add_series(trial,
               &(struct series){.of = SERIES_SITE_BYTES, .name = "2f", .rate = 64, .maker = accomplice});
    add_series(trial,
               &(struct series){.of = SERIES_SITE_BLOCKS, .name = "2f", .rate = 0, .maker = accomplice});
}

/* The package lists its objects in a table, which grows with them. */
static void a_table_of_held_objects_is_their_finding(void **state)
{
    (void)state;
    struct trial trial;
    begin_growth(&trial);
    add_series(&trial, &(struct series){.of = SERIES_OBJECTS,
                                        .name = "planted.Item",
                                        .rate = 1,
                                        .holder = HOLDER_MODULE,
                                        .path = "m.cache",
                                        .maker = guilty});
    add_table(&trial);
    judge(&trial, 1);
    assert_string_equal(
        only(&trial)->message,
        "guilty (planted 1.2) keeps in each call: 1.00 planted.Item, 64.0 bytes of native memory, by "
        "which blocks become longer; held: planted.Item <- m.cache");
    end(&trial);
}

static void a_table_alone_is_kept_not_lost(void **state)
{
    (void)state;
    struct trial trial;
    begin_growth(&trial);
    add_table(&trial);
    judge(&trial, 1);
    assert_string_equal(only(&trial)->message,
                        "accomplice (planted 1.2) keeps in each call: 64.0 bytes of native memory, "
                        "by which blocks become longer");
    end(&trial);
}

static void compiled_code_is_a_finding_beyond_its_budget(void **state)
{
    (void)state;
    static const char code[] =
        "jit-growth: 4.0 KiB of code and 1.0 KiB of native memory for each call of `g()`";
    for (int fits = 0; fits < 2; fits++) {
        struct trial trial;
        begin_growth(&trial);
        trial.plan.fresh = strdup("g()");
        trial.plan.budget = fits ? 6144 : 4096;
        add_calls(&trial, COUNTED_NEW);
        struct series series = {.arm = COUNTED_NEW, .of = SERIES_CODE_BYTES, .name = "", .rate = 4096};
        add_series(&trial, &series);
        series.of = SERIES_NATIVE_BYTES;
        series.rate = 1024;
        add_series(&trial, &series);
        judge(&trial, 1);
        if (fits) {
            assert_noted(&trial, code);
            assert_int_equal(trial.run.findings.n, 0);
        } else {
            assert_memory_equal(only(&trial)->message, code, sizeof code - 1);
            assert_non_null(strstr(only(&trial)->message, ", more than the budget of 4.0 KiB"));
        }
        end(&trial);
    }
}

/* Before the first call, after the last one, after the release step. */
static void add_held(struct trial *trial, const char *name, int64_t before, int64_t held, int64_t left)
{
    struct record record;
    record_begin(&record, RECORD_SERIES, RECORD_MAIN);
    record.values[SERIES_OF] = SERIES_HELD;
    record.values[SERIES_POINTS] = before;
    record.values[SERIES_POINTS + 1] = held;
    record.values[SERIES_POINTS + 2] = left;
    record_add_text(&record, name);
    add_record(trial, &record);
}

static void objects_that_stay_are_notes(void **state)
{
    (void)state;
    struct trial trial;
    begin_growth(&trial);
    trial.plan.release = strdup("m.clear()");
    add_held(&trial, "m.Key", 0, 12, 0);
    add_held(&trial, "m.Pool", 0, 3, 3);
    add_held(&trial, "m.Node", 2, 5, 4);
    assert_silent(&trial);
    assert_noted(&trial, "cache-held: held after the calls, and not after `m.clear()`: 12 m.Key");
    assert_noted(
        &trial,
        "process-lifetime-floor: held after the calls, also after `m.clear()`: 4 m.Node (2 before the "
        "first call), 3 m.Pool");
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_objects_have_a_maker_and_no_holder),
        cmocka_unit_test(native_memory_has_its_allocator),
        cmocka_unit_test(objects_without_a_maker_have_a_holder),
        cmocka_unit_test(containers_that_the_statements_change_may_keep),
        cmocka_unit_test(a_cache_that_fills_is_no_leak),
        cmocka_unit_test(what_is_held_is_no_leak_over_few_calls),
        cmocka_unit_test(objects_that_are_made_immortal_need_no_holder),
        cmocka_unit_test(what_new_calls_keep_is_a_cache_or_a_loss),
        cmocka_unit_test(immortal_objects_excuse_what_they_hold),
        cmocka_unit_test(caches_of_the_interpreter_are_a_note),
        cmocka_unit_test(memory_of_no_allocator_is_a_note),
        cmocka_unit_test(a_little_resident_memory_is_no_note),
        cmocka_unit_test(a_table_of_held_objects_is_their_finding),
        cmocka_unit_test(a_table_alone_is_kept_not_lost),
        cmocka_unit_test(compiled_code_is_a_finding_beyond_its_budget),
        cmocka_unit_test(objects_that_stay_are_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
