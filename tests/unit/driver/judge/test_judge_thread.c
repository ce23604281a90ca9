/* The threads of a child that hung or crashed: their stacks, and the locks they wait for. */
#include "driver/judge/judge_trial.h"

/* Its name is what a wait is known by. */
static NOINLINE int pthread_mutex_planted(int x)
{
    return x * 7;
}

static NOINLINE int worker_main(int x)
{
    return x + 3;
}

/* A thread of the child as ptrace saw it. */
static void add_thread(struct trial *trial, pid_t tid, int (*inner)(int))
{
    struct symbols *symbols;
    struct symbol_thread thread = {.tid = tid};
    const uint64_t addresses[] = {(uint64_t)inner, (uint64_t)worker_main + 1};
    assert_int_equal(symbols_open(trial->outcome.maps, &symbols), 0);
    assert_int_equal(symbols_stack(symbols, addresses, 2, true, &thread.stack), 0);
    symbols_close(symbols);
    trial->outcome.threads = realloc(trial->outcome.threads, (trial->outcome.nthreads + 1) * sizeof thread);
    trial->outcome.threads[trial->outcome.nthreads++] = thread;
}

static void begin_hang(struct trial *trial)
{
    begin(trial);
    trial->outcome.finished = false;
    trial->outcome.hung = true;
    trial->outcome.wait_status = SIGKILL;
}

static void a_hang_shows_the_stacks_of_the_threads(void **state)
{
    (void)state;
    struct trial trial;
    begin_hang(&trial);
    add_thread(&trial, 11, guilty);
    add_thread(&trial, 12, accomplice);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->kind, FINDING_HANG);
    assert_string_equal(only(&trial)->function, "guilty");
    assert_int_equal(only(&trial)->nstacks, 2);
    end(&trial);
}

static void a_crash_shows_the_other_threads(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_crash(&trial, SIGSEGV, guilty);
    add_thread(&trial, 4242, guilty);
    add_thread(&trial, 12, accomplice);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->nstacks, 2);
    assert_string_equal(only(&trial)->stacks[1].title, "thread 12, at the same time");
    end(&trial);
}

/* What a worker wrote of itself: one frame of Python, and its statement. */
static void add_page(struct trial *trial, pid_t tid, uint16_t worker)
{
    struct outcome *outcome = &trial->outcome;
    outcome->pages = realloc(outcome->pages, (outcome->npages + 1) * sizeof *outcome->pages);
    assert_non_null(outcome->pages);
    struct scene_page *page = &outcome->pages[outcome->npages++];
    *page = (struct scene_page){.tid = tid, .worker = worker, .is_worker = 1, .npython = 2};
    strcpy(page->python[0].function, "spin");
    strcpy(page->python[0].file, "/p/x.py");
    page->python[0].line = 3;
    strcpy(page->python[1].function, "x.spin()");
}

static void witnesses_record_their_stacks(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_crash(&trial, SIGSEGV, guilty);
    add_thread(&trial, 4242, guilty);
    add_page(&trial, 4242, 5);
    for (uint16_t i = 0; i < 20; i++) {
        add_thread(&trial, 12 + i, i == 7 ? guilty : accomplice);
        add_page(&trial, 12 + i, i == 7 ? 40 : i);
    }
    trial.outcome.pages[0].registers[SCENE_RIP] = 0x1234;
    judge(&trial, 1);
    const struct finding *crash = only(&trial);
    assert_int_equal(crash->nstacks, 21);
    assert_string_equal(crash->stacks[0].title, "thread 5, which crashed");
    assert_string_equal(crash->stacks[1].title, "thread 0, at the same time");
    assert_string_equal(crash->stacks[20].title, "thread 40, at the same time");
    assert_int_equal(crash->stacks[0].npython, 2);
    assert_string_equal(crash->stacks[0].python[0].file, "/p/x.py");
    assert_null(crash->stacks[0].python[1].file);
    assert_int_equal(crash->stacks[1].same_as, 1);
    assert_int_equal(crash->stacks[19].same_as, 1);
    assert_int_equal(crash->stacks[20].same_as, 0);
    assert_true(crash->registers[SCENE_RIP] == 0x1234);
    end(&trial);
}

static void add_sleeper(struct trial *trial, pid_t tid, uint64_t mutex, pid_t owner)
{
    struct outcome *outcome = &trial->outcome;
    outcome->sleepers = realloc(outcome->sleepers, (outcome->nsleepers + 1) * sizeof *outcome->sleepers);
    assert_non_null(outcome->sleepers);
    outcome->sleepers[outcome->nsleepers++] =
        (struct outcome_sleeper){.tid = tid, .futex = mutex, .words = {2, 0, owner}};
    add_thread(trial, tid, pthread_mutex_planted);
    add_page(trial, tid, (uint16_t)(tid - 10));
}

static void a_deadlock_names_waiters_and_holders(void **state)
{
    (void)state;
    struct trial trial;
    begin_hang(&trial);
    add_sleeper(&trial, 11, 0x100, 13);
    add_sleeper(&trial, 12, 0x200, 13);
    add_sleeper(&trial, 13, 0x300, 12);
    judge(&trial, 1);
    const struct finding *hang = only(&trial);
    assert_non_null(strstr(hang->message,
                           "a deadlock: thread 2 holds the pthread mutex at 0x300 and waits for the "
                           "pthread mutex at 0x200; thread 3 holds the pthread mutex at 0x200 and "
                           "waits for the pthread mutex at 0x300"));
    assert_string_equal(hang->stacks[0].title, "thread 2, which waits for the pthread mutex at 0x200");
    assert_int_equal(hang->stacks[2].tid, 11);
    assert_int_equal(hang->stacks[2].same_as, 2); /* at another lock */
    assert_false(hang->is_endless);
    assert_int_equal(hang->nwaits, 3);
    assert_int_equal(hang->nlines, 3);
    end(&trial);
}

#define PYTHON "/v/lib/libpython3.13t.so.1.0"
#define LIBC "/usr/lib/libc.so.6"

/* Where a thread in a system call stops: behind the instruction in libc's function. */
static uint64_t find_call(void)
{
    const unsigned char *code = (const unsigned char *)syscall;
    while (code[0] != 0x0f || code[1] != 0x05)
        code++;
    return (uint64_t)code + 2;
}

/* A worker that stays in two functions, innermost first. */
static void add_stuck(struct trial *trial, const char *inner, const char *file, const char *outer,
                      bool in_function)
{
    struct outcome *outcome = &trial->outcome;
    struct symbol_frame *frames = calloc(2, sizeof *frames);
    bool in_call = strcmp(file, LIBC) == 0 && strncmp(inner, "mem", 3) != 0;
    frames[0] = (struct symbol_frame){.address = in_call ? find_call() : (uint64_t)syscall,
                                      .function = strdup(inner),
                                      .module = strdup(file)};
    frames[1] = (struct symbol_frame){.function = strdup(outer), .module = strdup(PYTHON)};
    outcome->threads = calloc(1, sizeof *outcome->threads);
    outcome->threads[outcome->nthreads++] = (struct symbol_thread){.tid = 11, .stack = {2, frames}};
    add_page(trial, 11, 0);
    if (in_function)
        return;
    outcome->pages[0].python[0] = outcome->pages[0].python[1];
    outcome->pages[0].npython = 1;
}

static void python_code_that_stays_is_no_fault_of_the_interpreter(void **state)
{
    (void)state;
    static const struct {
        const char *inner, *file, *outer;
        bool in_function;
        enum blame blame;
        const char *function, *words;
    } rows[] = {
        {"clock_nanosleep", LIBC, "time_sleep", true, BLAME_TARGET, "spin",
         "Python code blocks or loops; inside spin"},
        {"clock_nanosleep", LIBC, "time_sleep", false, BLAME_TARGET, NULL, "Python code blocks or loops"},
        {"_PyEval_EvalFrameDefault", PYTHON, "_PyEval_Vector", false, BLAME_TARGET, NULL,
         "Python code blocks or loops"},
        {"_mi_page_free_collect", PYTHON, "mi_free", true, BLAME_INTERPRETER, "_mi_page_free_collect",
         "an endless loop"},
        {"memmove", LIBC, "list_resize", true, BLAME_INTERPRETER, "list_resize", "an endless loop"},
        {"__sched_yield", LIBC, "_PyMutex_LockTimed", true, BLAME_INTERPRETER, "_PyMutex_LockTimed",
         "an endless loop"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin_hang(&trial);
        add_stuck(&trial, rows[i].inner, rows[i].file, rows[i].outer, rows[i].in_function);
        judge(&trial, 1);
        const struct finding *hang = only(&trial);
        assert_true(hang->is_endless);
        assert_int_equal(hang->blame, rows[i].blame);
        assert_non_null(strstr(hang->message, rows[i].words));
        if (rows[i].function)
            assert_string_equal(hang->function, rows[i].function);
        else
            assert_null(hang->function);
        if (!rows[i].in_function)
            assert_string_equal(hang->statement, "x.spin()");
        end(&trial);
    }
}

static void code_of_the_library_is_not_the_users(void **state)
{
    (void)state;
    static const char *const files[] = {"/v/lib/python3.13t/threading.py", "<frozen importlib._bootstrap>"};
    for (size_t i = 0; i < COUNT(files); i++) {
        struct trial trial;
        begin_hang(&trial);
        add_stuck(&trial, "clock_nanosleep", LIBC, "time_sleep", true);
        strcpy(trial.outcome.pages[0].python[0].file, files[i]);
        judge(&trial, 1);
        assert_int_equal(only(&trial)->blame, BLAME_TARGET);
        assert_null(only(&trial)->function);
        end(&trial);
    }
}

/* A lock that Python code takes is not the interpreter's, although its functions wait. */
static void a_statement_that_waits_for_its_lock_is_the_targets(void **state)
{
    (void)state;
    struct trial trial;
    begin_hang(&trial);
    add_stuck(&trial, "_PySemaphore_Wait", PYTHON, "lock_PyThread_acquire_lock", false);
    trial.outcome.sleepers = calloc(1, sizeof *trial.outcome.sleepers);
    trial.outcome.sleepers[trial.outcome.nsleepers++] = (struct outcome_sleeper){.tid = 11, .futex = 0x100};
    judge(&trial, 1);
    assert_int_equal(only(&trial)->blame, BLAME_TARGET);
    assert_string_equal(only(&trial)->reason, "Python code of the target waits for a lock of Python code");
    /* Which of the threads is seen first is chance: the plan is signed. */
    assert_string_equal(only(&trial)->signature, "hang||f(x)");
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hang_shows_the_stacks_of_the_threads),
        cmocka_unit_test(a_crash_shows_the_other_threads),
        cmocka_unit_test(witnesses_record_their_stacks),
        cmocka_unit_test(a_deadlock_names_waiters_and_holders),
        cmocka_unit_test(python_code_that_stays_is_no_fault_of_the_interpreter),
        cmocka_unit_test(code_of_the_library_is_not_the_users),
        cmocka_unit_test(a_statement_that_waits_for_its_lock_is_the_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
