/* How a child ended: crashes, exits, signals, and sentences of the log. */
#include "driver/judge/judge_trial.h"

static void an_allocator_sentence_names_the_crash(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_crash(&trial, SIGABRT, guilty);
    print(&trial, "a warning\nfree(): invalid size\n");
    assert_int_equal(judge(&trial, 1), 1);
    const struct finding *finding = only(&trial);
    assert_int_equal(finding->kind, FINDING_HEAP_CORRUPTION);
    assert_int_equal(finding->detector, DETECTOR_LOG);
    assert_string_equal(finding->message, "free(): invalid size in f(x)");
    assert_string_equal(finding->log_end, "a warning\nfree(): invalid size\n");
    /* The heap was corrupt long before: the stack is shown, without blame. */
    assert_int_equal(finding->blame, BLAME_UNKNOWN);
    assert_null(finding->function);
    assert_int_equal(finding->nstacks, 1);
    assert_string_equal(finding->stacks[0].title, "thread 4242, which crashed");
    end(&trial);
}

static void a_signal_blames_the_interrupted_code(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_crash(&trial, SIGSEGV, guilty);
    judge(&trial, 1);
    const struct finding *finding = only(&trial);
    assert_int_equal(finding->kind, FINDING_CRASH);
    assert_int_equal(finding->blame, BLAME_TARGET);
    assert_string_equal(finding->function, "guilty");
    assert_non_null(strstr(finding->message, "at address 0xdead in f(x)"));
    assert_false(finding->serial);
    end(&trial);
}

/* Those of the C library, also under a sanitizer. */
/* NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming) */
extern void *__libc_calloc(size_t n, size_t size);
extern void __libc_free(void *at);
/* NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming) */

/* What it allocates for is not the cause; what is freed may be. */
static void an_allocation_that_breaks_blames_nobody(void **state)
{
    (void)state;
    const struct {
        uint64_t inner;
        enum blame blame;
    } rows[] = {{(uint64_t)__libc_calloc + 4, BLAME_UNKNOWN}, {(uint64_t)__libc_free + 4, BLAME_TARGET}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trial trial;
        begin(&trial);
        add_crash(&trial, SIGSEGV, NULL);
        record_add_frames(trial.outcome.records[0], (uint64_t[]){rows[i].inner, (uint64_t)guilty}, 2);
        judge(&trial, 1);
        const struct finding *finding = only(&trial);
        assert_int_equal(finding->blame, rows[i].blame);
        assert_int_equal(strstr(finding->reason,
                                "the C library's allocator met memory that was damaged before: the "
                                "call that it broke in is not the cause") != NULL,
                         finding->blame == BLAME_UNKNOWN);
        end(&trial);
    }
}

static NOINLINE int ffi_call_planted(int x)
{
    return x + 3;
}

static void what_ctypes_calls_is_no_fault_of_the_interpreter(void **state)
{
    (void)state;
    const struct {
        uint64_t inner, outer;
        enum evidence_by by;
    } rows[] = {{(uint64_t)abs, (uint64_t)ffi_call_planted, EVIDENCE_FOREIGN},
                {(uint64_t)guilty, (uint64_t)ffi_call_planted, EVIDENCE_STACK},
                {(uint64_t)ffi_call_planted, (uint64_t)guilty, EVIDENCE_STACK},
                {(uint64_t)abs, (uint64_t)guilty, EVIDENCE_STACK}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin(&trial);
        add_crash(&trial, SIGSEGV, NULL);
        record_add_frames(trial.outcome.records[0], (uint64_t[]){rows[i].inner + 4, rows[i].outer + 4}, 2);
        judge(&trial, 1);
        assert_int_equal(only(&trial)->evidence.by, rows[i].by);
        assert_int_equal(only(&trial)->blame, BLAME_TARGET);
        assert_int_equal(strstr(only(&trial)->reason, "through ctypes or cffi, which check no argument") !=
                             NULL,
                         rows[i].by == EVIDENCE_FOREIGN);
        end(&trial);
    }
}

static void a_crash_on_one_thread_is_marked(void **state)
{
    (void)state;
    static const struct {
        enum board_phase phase;
        const char *words;
        bool serial;
    } rows[] = {
        {BOARD_SETUP, " during setup, before any thread was started", true},
        {BOARD_SERIAL, " already in calls from one thread", true},
        {BOARD_RUN, "signal 9", false},
        {BOARD_FINISH, " while Python was shutting down", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin(&trial);
        trial.outcome.phase = rows[i].phase;
        trial.outcome.finished = rows[i].phase == BOARD_FINISH;
        trial.outcome.wait_status = trial.outcome.own_signal = SIGKILL;
        judge(&trial, 1);
        assert_non_null(strstr(only(&trial)->message, rows[i].words));
        assert_int_equal(only(&trial)->serial, rows[i].serial);
        end(&trial);
    }
}

static void an_exit_in_the_middle_is_a_crash(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.outcome.finished = false;
    trial.outcome.wait_status = EXITED(7);
    assert_int_equal(judge(&trial, 1), 1);
    assert_int_equal(only(&trial)->kind, FINDING_CRASH);
    assert_string_equal(only(&trial)->message, "the process exited with status 7 in the middle of the run");
    end(&trial);
    begin(&trial);
    trial.outcome.phase = BOARD_SETUP;
    trial.outcome.finished = false;
    trial.outcome.wait_status = EXITED(7);
    judge(&trial, 1);
    assert_string_equal(only(&trial)->message,
                        "the process exited with status 7 during setup, before any thread was started");
    end(&trial);
    begin(&trial);
    trial.outcome.finished = false;
    trial.outcome.wait_status = EXITED(7);
    trial.outcome.handled = SIGBUS;
    judge(&trial, 1);
    assert_string_equal(only(&trial)->message,
                        "a handler of the target got Bus error and ended the process with status 7");
    end(&trial);
    begin(&trial);
    trial.outcome.finished = false;
    trial.outcome.wait_status = EXITED(7);
    strcpy(trial.outcome.leaving, "f(x)");
    judge(&trial, 1);
    assert_string_equal(only(&trial)->message,
                        "the process exited with status 7 in the middle of the run, in f(x)");
    assert_string_equal(only(&trial)->statement, "f(x)");
    end(&trial);
}

/* Makes this program look like the child, by a link. */
static void rename_program(struct trial *trial, const char *name)
{
    char self[256] = "", *maps, *at;
    size_t size;
    FILE *out = open_memstream(&maps, &size);
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    assert_int_equal(symlink(self, name), 0);
    for (const char *from = trial->outcome.maps; from; from = at ? at + strlen(self) : NULL) {
        at = strstr(from, self);
        fprintf(out, "%.*s%s", (int)(at ? at - from : (ptrdiff_t)strlen(from)), from, at ? name : "");
    }
    fclose(out);
    free(trial->outcome.maps);
    trial->outcome.maps = maps;
}

static void a_crash_in_the_harness_on_one_thread_is_its_own_fault(void **state)
{
    (void)state;
    static const enum board_phase phases[] = {BOARD_SETUP, BOARD_SERIAL, BOARD_RUN};
    for (size_t i = 0; i < COUNT(phases); i++) {
        struct trial trial;
        char folder[] = "/tmp/test_judge_end.XXXXXX", name[64];
        assert_non_null(mkdtemp(folder));
        snprintf(name, sizeof name, "%s/ftstress-child", folder);
        begin(&trial);
        trial.outcome.phase = phases[i];
        add_crash(&trial, SIGSEGV, NULL);
        trial.outcome.records[trial.outcome.nrecords - 1]->frames[0] = (uint64_t)record_begin;
        trial.outcome.records[trial.outcome.nrecords - 1]->nframes = 1;
        rename_program(&trial, name);
        judge(&trial, 1);
        assert_int_equal(trial.run.findings.n, phases[i] == BOARD_RUN);
        if (phases[i] == BOARD_RUN)
            assert_null(trial.run.harness_fault);
        else
            assert_string_equal(trial.run.harness_fault,
                                "ftstress itself crashed in record_begin; please report it "
                                "with this command line");
        unlink(name);
        rmdir(folder);
        end(&trial);
    }
}

static void our_own_doing_is_no_crash(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.outcome.finished = false;
    trial.outcome.wait_status = SIGKILL;
    trial.outcome.over_memory = true;
    assert_silent(&trial);
    trial.outcome.over_memory = false;
    trial.outcome.interrupted = true;
    assert_silent(&trial);
    trial.outcome.interrupted = false;
    add_text(&trial, RECORD_CANNOT, "numpy is missing", NULL);
    assert_silent(&trial);
    end(&trial);
}

static void a_kill_from_outside_is_no_crash(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.outcome.finished = false;
    trial.outcome.wait_status = SIGKILL;
    assert_silent(&trial);
    assert_true(outcome_killed(&trial.outcome));
    trial.outcome.own_signal = SIGKILL;
    assert_int_equal(judge(&trial, 1), 1);
    assert_string_equal(only(&trial)->message, "the process was ended by signal 9 (Killed)");
    end(&trial);
}

static void the_report_of_nanobind_is_a_leak(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.plan.detect |= DETECTOR_BIT(DETECTOR_SHUTDOWN);
    trial.outcome.phase = BOARD_FINISH;
    assert_int_equal(fd_read_file(FTSTRESS_LOGS "/nanobind-2.0.0.log", &trial.outcome.stderr_text, NULL), 0);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->kind, FINDING_SHUTDOWN_LEAK);
    assert_string_equal(
        only(&trial)->message,
        "nanobind counts, after Python's end, 26 instances (26 Item), 0 keep_alive records, 1 types, 0 "
        "functions; the report does not separate cached objects from lost ones");
    assert_string_equal(only(&trial)->reason, "a type or module of nb_toy is named");
    end(&trial);
}

static void lost_records_are_no_crash(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.outcome.phase = BOARD_FINISH;
    trial.outcome.finished = false;
    trial.outcome.wire_lost = true;
    assert_silent(&trial);
    trial.outcome.phase = BOARD_RUN; /* the reason why it cannot go on is lost, too */
    trial.outcome.wait_status = EXITED(3);
    assert_silent(&trial);
    trial.outcome.wait_status = EXITED(7);
    assert_int_equal(judge(&trial, 1), 1);
    end(&trial);
}

static void one_thread_is_enough_for_a_child_with_one(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.plan.threads = 1;
    trial.outcome.hung = true;
    judge(&trial, 1);
    assert_true(only(&trial)->serial);
    next_outcome(&trial);
    print(&trial, "free(): invalid size\n");
    judge(&trial, 2);
    assert_int_equal(trial.run.findings.n, 2);
    assert_true(trial.run.findings.items[1]->serial);
    end(&trial);
}

static void more_records_than_are_kept_are_noted(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    for (int i = 0; i < OUTCOME_RECORDS_MAX + 3; i++)
        add_write(&trial, guilty, HIDDEN);
    judge(&trial, 1);
    assert_noted(&trial, "a child sent more records than are kept: 3 of 4099 are not judged");
    end(&trial);
}

static void detectors_that_are_off_find_nothing(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.plan.detect = 0;
    add_crash(&trial, SIGSEGV, guilty);
    print(&trial, "free(): invalid size\n");
    assert_silent(&trial);
    trial.outcome.hung = true;
    assert_silent(&trial);
    next_outcome(&trial);
    print(&trial, "free(): invalid size\n");
    assert_silent(&trial);
    end(&trial);
}

static void log_and_crash_are_distinct(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.plan.detect = DETECTOR_BIT(DETECTOR_CRASH);
    add_crash(&trial, SIGABRT, guilty);
    print(&trial, "free(): invalid size\n");
    judge(&trial, 1);
    assert_int_equal(only(&trial)->kind, FINDING_CRASH);
    assert_int_equal(only(&trial)->detector, DETECTOR_CRASH);
    assert_int_equal(only(&trial)->blame, BLAME_UNKNOWN);
    end(&trial);
    begin(&trial);
    trial.plan.detect = DETECTOR_BIT(DETECTOR_LOG);
    add_crash(&trial, SIGSEGV, guilty);
    assert_silent(&trial);
    print(&trial, "free(): invalid size\n");
    judge(&trial, 1);
    assert_int_equal(only(&trial)->kind, FINDING_HEAP_CORRUPTION);
    end(&trial);
}

static void a_sentence_of_a_child_that_lived_counts(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    print(&trial, "x\nmimalloc: error: buffer overflow in heap block\ny\n");
    judge(&trial, 1);
    assert_int_equal(only(&trial)->kind, FINDING_HEAP_CORRUPTION);
    assert_string_equal(only(&trial)->message, "mimalloc: error: buffer overflow in heap block");
    assert_int_equal(only(&trial)->blame, BLAME_UNKNOWN);
    end(&trial);
    begin(&trial);
    add_invariant(&trial, "x", "its shape changed",
                  true); /* arrays that the statements change break the heap, too */
    print(&trial, "mimalloc: error: buffer overflow in heap block\n");
    judge(&trial, 1);
    assert_int_equal(only(&trial)->blame, BLAME_USER);
    end(&trial);
}

static void forget_packages(struct trial *trial)
{
    struct record record;
    for (size_t i = 0; i < trial->outcome.npackages; i++)
        free(trial->outcome.packages[i]);
    trial->outcome.npackages = 0;
    record_begin(&record, RECORD_STATEMENT, RECORD_MAIN);
    record.values[STATEMENT_PLAIN] = 1;
    for (int i = 0; i < 3; i++)
        record_add_text(&record, i ? "" : "f(x)");
    add_record(trial, &record);
}

static void an_exit_or_a_signal_of_a_process_is_no_fault_of_the_interpreter(void **state)
{
    (void)state;
    static const struct {
        int status, code; /* code: of a crash record; -1: there is none */
        bool loaded;
        enum blame blame;
        const char *reason;
    } rows[] = {
        {EXITED(7), -1, false, BLAME_TARGET,
         "Python code of the target made the process exit: no package's code is loaded"},
        {EXITED(7), -1, true, BLAME_UNKNOWN, "Python code or a package made the process exit"},
        {SIGKILL, -1, false, BLAME_UNKNOWN, "a process sent the signal: this one, or another"},
        {SIGXCPU, -1, true, BLAME_UNKNOWN, "a process sent the signal: this one, or another"},
        {SIGSEGV, SI_USER, false, BLAME_UNKNOWN, "a process sent the signal: this one, or another"},
        {SIGSEGV, SEGV_MAPERR, false, BLAME_INTERPRETER,
         "no package's code is loaded, and the statements cannot damage memory"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin(&trial);
        if (!rows[i].loaded)
            forget_packages(&trial);
        if (rows[i].code == -1) {
            trial.outcome.finished = false;
            trial.outcome.wait_status = trial.outcome.own_signal = rows[i].status;
        } else {
            add_crash(&trial, rows[i].status, NULL);
            trial.outcome.records[trial.outcome.nrecords - 1]->values[CRASH_CODE] = rows[i].code;
        }
        judge(&trial, 1);
        assert_int_equal(only(&trial)->blame, rows[i].blame);
        assert_string_equal(only(&trial)->reason, rows[i].reason);
        assert_non_null(strstr(only(&trial)->signature, "f(x)"));
        end(&trial);
    }
}

static void a_limit_of_the_targets_own_is_no_fault_of_the_interpreter(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    forget_packages(&trial);
    add_crash(&trial, SIGSEGV, NULL);
    judge(&trial, 1);
    assert_true(only(&trial)->evidence.alone);
    end(&trial);
    begin(&trial);
    forget_packages(&trial);
    trial.outcome.limited = true;
    add_crash(&trial, SIGSEGV, NULL);
    judge(&trial, 1);
    assert_false(only(&trial)->evidence.alone);
    assert_int_equal(only(&trial)->evidence.by, EVIDENCE_LIMIT);
    assert_int_equal(only(&trial)->evidence.blame, BLAME_TARGET);
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocator_sentence_names_the_crash),
        cmocka_unit_test(a_signal_blames_the_interrupted_code),
        cmocka_unit_test(an_allocation_that_breaks_blames_nobody),
        cmocka_unit_test(what_ctypes_calls_is_no_fault_of_the_interpreter),
        cmocka_unit_test(a_crash_on_one_thread_is_marked),
        cmocka_unit_test(an_exit_in_the_middle_is_a_crash),
        cmocka_unit_test(a_crash_in_the_harness_on_one_thread_is_its_own_fault),
        cmocka_unit_test(our_own_doing_is_no_crash),
        cmocka_unit_test(a_kill_from_outside_is_no_crash),
        cmocka_unit_test(the_report_of_nanobind_is_a_leak),
        cmocka_unit_test(lost_records_are_no_crash),
        cmocka_unit_test(one_thread_is_enough_for_a_child_with_one),
        cmocka_unit_test(more_records_than_are_kept_are_noted),
        cmocka_unit_test(detectors_that_are_off_find_nothing),
        cmocka_unit_test(log_and_crash_are_distinct),
        cmocka_unit_test(a_sentence_of_a_child_that_lived_counts),
        cmocka_unit_test(an_exit_or_a_signal_of_a_process_is_no_fault_of_the_interpreter),
        cmocka_unit_test(a_limit_of_the_targets_own_is_no_fault_of_the_interpreter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
