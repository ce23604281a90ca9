/* Violations of the guard: the sentence of each, its stacks, and the reason for its suspect. */
#include "driver/judge/judge_trial.h"

/* 8 bytes behind a block of 80 bytes, which thread 2 made in f(x). */
static struct violation overrun(void)
{
    return (struct violation){.size = 80,
                              .offset = 80,
                              .length = 8,
                              .iteration = 3,
                              .worker = 2,
                              .free_worker = BLOCK_NOBODY,
                              .nalloc = 1,
                              .alloc = {(uint64_t)guilty + 1}};
}

static const struct finding *judge_one(struct trial *trial, const struct violation *violation)
{
    struct record record;
    violation_to_record(violation, &record);
    add_record(trial, &record);
    judge(trial, 1);
    return only(trial);
}

static void assert_message(const struct violation *violation, const char *message)
{
    struct trial trial;
    begin(&trial);
    assert_string_equal(judge_one(&trial, violation)->message, message);
    end(&trial);
}

static void the_way_to_find_it_is_named(void **state)
{
    (void)state;
    static const char *const ways[FOUND_WAYS] = {
        [FOUND_FREE] =
            "wrote 8 bytes past the end of a block of 80 bytes, made in f(x) by thread 2 at iteration 3; "
            "seen when it was freed",
        [FOUND_REUSE] =
            "wrote 8 bytes past the end of a block of 80 bytes, made in f(x) by thread 2 at iteration 3; "
            "seen when its memory was to be used again",
        [FOUND_CALL] =
            "wrote 8 bytes past the end of a block of 80 bytes, made in f(x) by thread 2 at iteration 3; "
            "seen at its thread's next heap call",
        [FOUND_SCAN] =
            "wrote 8 bytes past the end of a block of 80 bytes, made in f(x) by thread 2 at iteration 3; "
            "seen by the checker in its round 5",
        [FOUND_CRASH] =
            "wrote 8 bytes past the end of a block of 80 bytes, made in f(x) by thread 2 at iteration 3; "
            "seen at the crash",
        [FOUND_TRAP] = "wrote past the end of a block of 80 bytes, made in f(x) by thread 2 at iteration 3; "
                       "seen at the instruction",
    };
    for (int found = 0; found < FOUND_WAYS; found++) {
        struct violation violation = overrun();
        violation.found = (enum violation_found)found;
        violation.round = 4;
        assert_message(&violation, ways[found]);
    }
}

static void the_maker_is_named_where_it_is_known(void **state)
{
    (void)state;
    struct violation violation = overrun();
    violation.worker = BLOCK_SERIAL;
    assert_message(&violation,
                   "wrote 8 bytes past the end of a block of 80 bytes, made in f(x) by the serial pass at "
                   "iteration 3; seen when it was freed");
    violation.worker = BLOCK_NOBODY;
    assert_message(
        &violation,
        "wrote 8 bytes past the end of a block of 80 bytes, made by another thread, or outside the statements; seen "
        "when it was freed");
    violation.kind = VIOLATION_STRAY;
    assert_message(&violation, "wrote 8 bytes to memory that no block holds; seen when it was freed");
    violation = overrun();
    violation.kind = VIOLATION_FREED_WRITE;
    violation.found = FOUND_REUSE;
    violation.nfree = 1;
    violation.free_worker = 5;
    assert_message(&violation,
                   "wrote 8 bytes to a freed block of 80 bytes, made in f(x) by thread 2 at iteration 3; "
                   "last freed by thread 5; seen when its memory was to be used again");
}

static void the_bytes_are_numbers_or_text_or_an_input(void **state)
{
    (void)state;
    static const double numbers[] = {1.5, -2};
    struct violation violation = overrun();
    violation.nbytes = 4;
    memcpy(violation.bytes, "ABC\x01", 4);
    assert_message(&violation,
                   "wrote 8 bytes past the end of a block of 80 bytes, made in f(x) by thread 2 at "
                   "iteration 3; overrun holds 41 42 43 01; seen when it was freed");
    violation.nbytes = 2;
    assert_message(&violation,
                   "wrote 8 bytes past the end of a block of 80 bytes, made in f(x) by thread 2 at "
                   "iteration 3; overrun holds 41 42 ('AB'); seen when it was freed");
    violation.kind = VIOLATION_FREED_WRITE;
    violation.array = (struct block_array){.type = 'f', .itemsize = 8, .ndim = 1};
    violation.nbytes = sizeof numbers;
    memcpy(violation.bytes, numbers, sizeof numbers);
    assert_message(&violation,
                   "wrote 8 bytes to a freed float64 (10,), made in f(x) by thread 2 at iteration 3; holds "
                   "now float64 1.5, -2; seen when it was freed");
}

static void bytes_of_an_input_name_it(void **state)
{
    (void)state;
    struct trial trial;
    struct recipe recipe;
    char error[256];
    double items[20];
    begin(&trial);
    assert_int_equal(plan_add_input(&trial.plan, "x", "f8[20]"), 0);
    assert_int_equal(recipe_parse(trial.plan.inputs[0].recipe, &recipe, error, sizeof error), 0);
    recipe_fill(&recipe, trial.plan.seed, plan_input_stream(&trial.plan, 0), (unsigned char *)items);
    struct violation violation = overrun();
    violation.nbytes = 16;
    memcpy(violation.bytes, &items[7], 16);
    assert_non_null(strstr(judge_one(&trial, &violation)->message,
                           "; overrun holds what the input x holds from element 7 on; seen"));
    end(&trial);
}

static void canaries_show_the_block_and_not_the_writer(void **state)
{
    (void)state;
    struct trial trial;
    struct violation violation = overrun();
    begin(&trial);
    violation.nfree = 1;
    violation.free_worker = 5;
    violation.free[0] = violation.here[0] = violation.here[1] = (uint64_t)accomplice + 1;
    violation.nfound = 2;
    const struct finding *finding = judge_one(&trial, &violation);
    assert_int_equal(finding->kind, FINDING_HEAP_CORRUPTION);
    assert_string_equal(finding->reason,
                        "planted allocated or freed the block; no stack shows the code that damaged it");
    assert_int_equal(finding->nstacks, 3);
    assert_string_equal(finding->stacks[0].title, "the block, allocated by thread 2");
    assert_string_equal(finding->stacks[1].title, "the block, freed by thread 5");
    assert_string_equal(finding->stacks[2].title,
                        "where it was noticed, which need not be where it was done");
    end(&trial);
}

static void a_trap_catches_the_access(void **state)
{
    (void)state;
    static const struct {
        enum violation_kind kind;
        enum finding_kind is;
        const char *signature;
    } rows[] = {
        {VIOLATION_AFTER, FINDING_HEAP_CORRUPTION, "guard|overrun|by accomplice|planted"},
        {VIOLATION_BEFORE, FINDING_HEAP_CORRUPTION, "guard|underrun|by accomplice|planted"},
        {VIOLATION_READ_AFTER, FINDING_HEAP_CORRUPTION, "guard|read outside|by accomplice|planted"},
        {VIOLATION_FREED_WRITE, FINDING_USE_AFTER_FREE, "guard|write after free|by accomplice|planted"},
        {VIOLATION_FREED_READ, FINDING_USE_AFTER_FREE, "guard|read after free|by accomplice|planted"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        struct violation violation = overrun();
        begin(&trial);
        violation.kind = rows[i].kind;
        violation.found = FOUND_TRAP;
        violation.nfound = 1;
        violation.here[0] = (uint64_t)accomplice;
        const struct finding *finding = judge_one(&trial, &violation);
        assert_int_equal(finding->kind, rows[i].is);
        assert_string_equal(finding->signature, rows[i].signature);
        assert_string_equal(finding->function, "accomplice");
        assert_string_equal(finding->reason,
                            "caught in the act: innermost frame of planted in 1 of 1 stacks");
        assert_string_equal(finding->stacks[0].title, "the access, at the instruction");
        end(&trial);
    }
}

/* Its id is made anew when the trap completes what a canary found first, also where the run named it before. */
static void canary_and_trap_have_one_id_in_either_order(void **state)
{
    (void)state;
    char ids[2][12];
    for (int trap_first = 0; trap_first < 2; trap_first++) {
        struct trial trial;
        struct record records[2];
        struct violation violation = overrun();
        begin(&trial);
        violation_to_record(&violation, &records[0]);
        violation.found = FOUND_TRAP;
        violation.nfound = 1;
        violation.here[0] = (uint64_t)accomplice;
        violation_to_record(&violation, &records[1]);
        add_record(&trial, &records[trap_first]);
        judge(&trial, 1);
        trial.run.children = 1;
        assert_int_equal(run_log_child(&trial.run, &(struct child_entry){.member = "guard"}), 0);
        next_outcome(&trial);
        add_record(&trial, &records[!trap_first]);
        judge(&trial, 2);
        memcpy(ids[trap_first], only(&trial)->id, sizeof ids[0]);
        assert_string_equal(trial.run.log.items[0].findings, ids[trap_first]);
        end(&trial);
    }
    assert_string_equal(ids[0], ids[1]);
}

static void a_wrong_release_is_the_call_itself(void **state)
{
    (void)state;
    struct trial trial;
    struct violation violation = overrun();
    begin(&trial);
    violation.kind = VIOLATION_DOUBLE_FREE;
    violation.nfound = 1;
    violation.here[0] = (uint64_t)accomplice + 1;
    const struct finding *finding = judge_one(&trial, &violation);
    assert_int_equal(finding->kind, FINDING_DOUBLE_FREE);
    assert_string_equal(finding->message,
                        "freed a block of 80 bytes twice, made in f(x) by thread 2 at iteration 3");
    assert_string_equal(finding->stacks[0].title, "the call");
    assert_string_equal(finding->stacks[1].title, "the block, allocated by thread 2");
    end(&trial);
}

/* A run of one thread: its only statement calls a function of a package. */
static void begin_only(struct trial *trial, unsigned threads)
{
    struct record record;
    begin(trial);
    trial->plan.threads = trial->run.threads = threads;
    record_begin(&record, RECORD_STATEMENT, RECORD_MAIN);
    record_add_text(&record, "f(x)");
    record_add_text(&record, "x");
    record_add_text(&record, "planted");
    record_add_text(&record, "planted.f");
    record_add_text(&record, "planted");
    add_record(trial, &record);
    assert_int_equal(statement_learn(&trial->run.statements, &trial->outcome), 0);
    trial->run.statements.items[0].package =
        strdup("planted 1.2"); /* a test program is no extension module */
}

/* NumPy makes the arrays of all packages, and f2py those of all its functions. */
static void an_array_without_an_author_is_of_the_only_call(void **state)
{
    (void)state;
    static const struct {
        unsigned threads;
        enum block_kind block;
        const char *function, *reason;
    } rows[] = {
        {1, BLOCK_ARRAY, "planted.f", "the only statement calls planted"},
        {1, BLOCK_MALLOC, "guilty",
         "planted allocated or freed the block; no stack shows the code that damaged it"},
        {4, BLOCK_ARRAY, "guilty",
         "planted allocated or freed the block; no stack shows the code that damaged it"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        struct violation violation = overrun();
        violation.worker = BLOCK_SERIAL;
        violation.block = rows[i].block;
        begin_only(&trial, rows[i].threads);
        const struct finding *finding = judge_one(&trial, &violation);
        assert_int_equal(finding->blame, BLAME_TARGET);
        assert_string_equal(finding->function, rows[i].function);
        assert_string_equal(finding->reason, rows[i].reason);
        end(&trial);
    }
}

/* Damage of the stack leaves no frames. */
static void a_crash_without_a_stack_is_of_the_only_call(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads < 3; threads++) {
        struct trial trial;
        begin_only(&trial, threads);
        add_crash(&trial, SIGSEGV, NULL);
        judge(&trial, 1);
        assert_int_equal(only(&trial)->blame == BLAME_TARGET, threads == 1);
        if (threads == 1)
            assert_string_equal(only(&trial)->function, "planted.f");
        end(&trial);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_way_to_find_it_is_named),
        cmocka_unit_test(the_maker_is_named_where_it_is_known),
        cmocka_unit_test(the_bytes_are_numbers_or_text_or_an_input),
        cmocka_unit_test(bytes_of_an_input_name_it),
        cmocka_unit_test(canaries_show_the_block_and_not_the_writer),
        cmocka_unit_test(a_trap_catches_the_access),
        cmocka_unit_test(canary_and_trap_have_one_id_in_either_order),
        cmocka_unit_test(a_wrong_release_is_the_call_itself),
        cmocka_unit_test(an_array_without_an_author_is_of_the_only_call),
        cmocka_unit_test(a_crash_without_a_stack_is_of_the_only_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
