/* What the threads of a hung child wait for, and the names of threads. */
#include "driver/judge/judge_trial.h"

#define LIBC "/usr/lib/libc.so.6"

static void begin_hang(struct trial *trial)
{
    begin(trial);
    trial->outcome.finished = false;
    trial->outcome.hung = true;
    trial->outcome.wait_status = SIGKILL;
}

/* A thread in these functions, innermost first; NULL ends them. */
static void add_thread(struct trial *trial, pid_t tid, const char *const functions[3])
{
    struct outcome *outcome = &trial->outcome;
    struct symbol_thread thread = {.tid = tid, .stack = {.frames = calloc(3, sizeof *thread.stack.frames)}};
    for (; functions[thread.stack.nframes]; thread.stack.nframes++)
        thread.stack.frames[thread.stack.nframes] = (struct symbol_frame){
            .function = strdup(functions[thread.stack.nframes]), .module = strdup(LIBC)};
    outcome->threads = realloc(outcome->threads, (outcome->nthreads + 1) * sizeof thread);
    outcome->threads[outcome->nthreads++] = thread;
}

/* The page of a thread that runs f(x). */
static struct scene_page *add_page(struct trial *trial, pid_t tid, int worker)
{
    struct outcome *outcome = &trial->outcome;
    outcome->pages = realloc(outcome->pages, (outcome->npages + 1) * sizeof *outcome->pages);
    struct scene_page *page = &outcome->pages[outcome->npages++];
    *page = (struct scene_page){
        .tid = tid, .worker = worker < 0 ? 0 : (uint16_t)worker, .is_worker = worker >= 0, .npython = 1};
    strcpy(page->python[0].function, "f(x)");
    return page;
}

/* Worker tid - 10 sleeps on this word in these functions; of a mutex, it is its first member. */
static void add_sleeper(struct trial *trial, pid_t tid, uint64_t futex, const char *inner, const char *outer)
{
    struct outcome *outcome = &trial->outcome;
    outcome->sleepers = realloc(outcome->sleepers, (outcome->nsleepers + 1) * sizeof *outcome->sleepers);
    outcome->sleepers[outcome->nsleepers++] = (struct outcome_sleeper){.tid = tid, .futex = futex};
    add_thread(trial, tid, (const char *const[3]){inner, outer, NULL});
    add_page(trial, tid, tid - 10);
}

static void a_proven_hang_says_so(void **state)
{
    (void)state;
    struct trial trial;
    begin_hang(&trial);
    trial.outcome.still = (struct outcome_still){.seconds = 0.3, .proven = true};
    judge(&trial, 1);
    assert_int_equal(only(&trial)->nlines, 2);
    assert_string_equal(only(&trial)->lines[1],
                        "no thread can wake another: each one sleeps without a time limit, or waits for the "
                        "others to stop, and none made a step meanwhile");
    end(&trial);
}

static void a_hang_states_the_time_without_progress(void **state)
{
    (void)state;
    static const struct {
        struct outcome_still still;
        const char *line;
    } rows[] = {
        {{.seconds = 5.04, .ran = 0.2, .starved = 0.1},
         "no call began or ended for 5.0 s, in which the threads used 0.2 s of processor time"},
        {{.seconds = 30, .ran = 5.1, .starved = 25},
         "no call began or ended for 30.0 s, in which the threads used 5.1 s of processor time, and waited 25.0 s for "
         "a processor or a disk"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin_hang(&trial);
        trial.outcome.still = rows[i].still;
        judge(&trial, 1);
        assert_int_equal(only(&trial)->nlines, 1);
        assert_string_equal(only(&trial)->lines[0], rows[i].line);
        end(&trial);
    }
}

static void the_lock_is_named_by_the_function_that_waits(void **state)
{
    (void)state;
    static const struct {
        const char *inner, *outer, *what;
        bool is_lock;
    } rows[] = {
        {"__futex_wait", "pthread_mutex_lock", "pthread mutex", true},
        {"__futex_wait", "pthread_rwlock_wrlock", "pthread reader-writer lock", true},
        {"__futex_wait", "pthread_cond_wait", "pthread condition variable", false},
        {"__futex_wait", "pthread_barrier_wait", "pthread barrier", false},
        {"__futex_wait", "pthread_once", "one-time initialisation", false},
        {"__futex_wait", "pthread_join", "end of a thread", false},
        {"__futex_wait", "__cxa_guard_acquire", "initialisation of a static variable", false},
        {"__futex_wait", "sem_wait", "semaphore", false},
        {"__futex_wait", "PyThread_acquire_lock_timed", "lock of Python code", true},
        {"__futex_wait", "take_gil", "GIL", true},
        {"__futex_wait", "_PyParkingLot_Park", "lock of CPython's", false},
        {"_PyParkingLot_Park", "anything", "lock of CPython's", false},
        {"_PyParkingLot_Park", "PyMutex_Lock", "PyMutex", true},
        {"_PyParkingLot_Park", "_PyRecursiveMutex_Lock", "recursive PyMutex", true},
        {"_PyParkingLot_Park", "_PyRWMutex_RLock", "reader-writer lock of CPython's", true},
        {"_PyParkingLot_Park", "PyEvent_WaitTimed", "event of CPython's", false},
        {"_PyParkingLot_Park", "_PyOnceFlag_CallOnceSlow", "one-time initialisation", false},
        {"_PyParkingLot_Park", "_PyCriticalSection_BeginSlow", "critical section (PyMutex)", true},
        {"_PyParkingLot_Park", "tstate_wait_attach", "stop of the world to end", false},
        {"_PyParkingLot_Park", "stop_the_world", "other threads to stop", false},
        {"__futex_wait", "anything", "futex", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        char line[256];
        begin_hang(&trial);
        add_sleeper(&trial, 11, 0x100, rows[i].inner, rows[i].outer);
        judge(&trial, 1);
        /* For a collection each thread sleeps on a word of its own. */
        bool stopped = strstr(rows[i].what, "to end") || strstr(rows[i].what, "to stop");
        snprintf(line, sizeof line, "thread 1 waits for the %s%s%s", rows[i].what, stopped ? "" : " at 0x100",
                 rows[i].is_lock ? ", which does not say who holds it" : "");
        assert_int_equal(only(&trial)->nlines, 1);
        assert_string_equal(only(&trial)->lines[0], line);
        end(&trial);
    }
}

/* A worker's own allocation may start the collection. */
static void a_collection_that_a_worker_starts_is_held_up_by_those_who_wait(void **state)
{
    (void)state;
    struct trial trial;
    begin_hang(&trial);
    add_sleeper(&trial, 11, 0x100, "_PyParkingLot_Park", "stop_the_world");
    add_sleeper(&trial, 12, 0x200, "__futex_wait", "pthread_mutex_lock");
    add_sleeper(&trial, 13, 0x300, "_PyParkingLot_Park", "tstate_wait_attach");
    judge(&trial, 1);
    assert_non_null(strstr(only(&trial)->message,
                           "a deadlock: thread 2 waits attached for the pthread mutex at 0x200, "
                           "and holds up the collection that stopped the others"));
    end(&trial);
}

static void two_locks_without_a_holder_are_most_likely_a_deadlock(void **state)
{
    (void)state;
    static const char likely[] =
        "no thread gets any further: a deadlock: most likely two locks, each held by a thread that waits for the "
        "other";
    static const struct {
        uint64_t locks[2];
        bool busy; /* a third thread waits for none */
        const char *message;
    } rows[] = {
        {{0x100, 0x200}, false, likely},
        {{0x100, 0x100}, false, "no thread gets any further: a deadlock or an endless loop"},
        {{0x100, 0x200}, true, "no thread gets any further: a deadlock or an endless loop"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin_hang(&trial);
        for (pid_t k = 0; k < 2; k++)
            add_sleeper(&trial, 11 + k, rows[i].locks[k], "_PyParkingLot_Park", "PyMutex_Lock");
        if (rows[i].busy) {
            add_thread(&trial, 13, (const char *const[3]){"memmove", NULL});
            add_page(&trial, 13, 3);
        }
        judge(&trial, 1);
        assert_string_equal(only(&trial)->message, rows[i].message);
        end(&trial);
    }
}

/* Threads 11 and 12 wait for mutexes that the other holds, in Python functions of these names. */
static void add_cycle(struct trial *trial, const char *first, const char *second)
{
    for (pid_t k = 0; k < 2; k++) {
        add_sleeper(trial, 11 + k, 0x100 + 0x100 * (uint64_t)k, "__futex_wait", "pthread_mutex_lock");
        struct outcome_sleeper *sleeper = &trial->outcome.sleepers[k];
        struct scene_page *page = &trial->outcome.pages[k];
        sleeper->words[0] = 1;
        sleeper->words[2] = 12 - k;
        page->npython = 2;
        strcpy(page->python[0].function, k ? second : first);
        strcpy(page->python[1].function, "f(x)");
    }
}

static void a_deadlock_begins_with_the_same_function_whichever_thread_came_first(void **state)
{
    (void)state;
    for (unsigned turned = 0; turned < 2; turned++) {
        struct trial trial;
        begin_hang(&trial);
        add_cycle(&trial, turned ? "pull" : "draw", turned ? "draw" : "pull");
        judge(&trial, 1);
        assert_string_equal(only(&trial)->waits[0].function, "draw");
        assert_string_equal(only(&trial)->waits[1].function, "pull");
        end(&trial);
    }
}

static void a_hang_names_its_phase(void **state)
{
    (void)state;
    static const struct {
        enum board_phase phase;
        const char *message;
    } rows[] = {
        {BOARD_SETUP,
         "no thread gets any further during setup, before any thread was started: a deadlock or an "
         "endless loop"},
        {BOARD_SERIAL,
         "no thread gets any further already in calls from one thread: a deadlock or an endless loop"},
        {BOARD_RUN, "no thread gets any further: a deadlock or an endless loop"},
        {BOARD_FINISH,
         "no thread gets any further while Python was shutting down: a deadlock or an endless loop"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin_hang(&trial);
        trial.outcome.phase = rows[i].phase;
        judge(&trial, 1);
        assert_string_equal(only(&trial)->message, rows[i].message);
        end(&trial);
    }
}

/* The first workers wait for the one that is stuck. */
static void a_hang_is_inside_a_thread_that_is_stuck(void **state)
{
    (void)state;
    struct trial trial;
    begin_hang(&trial);
    add_thread(&trial, 11, (const char *const[3]){"syscall", "barrier_wait", NULL});
    add_page(&trial, 11, 1);
    add_thread(&trial, 12, (const char *const[3]){"stuck", NULL});
    add_page(&trial, 12, 2);
    for (size_t i = 0; i < trial.outcome.nthreads; i++)
        for (size_t k = 0; k < trial.outcome.threads[i].stack.nframes; k++) {
            free(trial.outcome.threads[i].stack.frames[k].module);
            trial.outcome.threads[i].stack.frames[k].module = strdup("/s/site-packages/bad/_c.so");
        }
    judge(&trial, 1);
    assert_string_equal(only(&trial)->message,
                        "no thread gets any further: a deadlock or an endless loop; inside stuck");
    end(&trial);
}

static void threads_are_named_by_what_they_are(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_crash(&trial, SIGSEGV, NULL);
    const char *const functions[3] = {"work", NULL};
    for (pid_t tid = 11; tid < 15; tid++)
        add_thread(&trial, tid, functions);
    add_page(&trial, 11, 1)->signal = SIGBUS;
    add_page(&trial, 12, -1);
    strcpy(add_page(&trial, 13, -1)->python[0].file, "/p/pool.py");
    add_page(&trial, 14, 4)->npython = 0;
    judge(&trial, 1);
    static const char *const titles[] = {
        "thread 1, which crashed, too: Bus error", "the main thread, at the same time",
        "a thread of the target's, id 13, at the same time",
        "thread 4, at the same time; it did not answer, so its Python frames are not known"};
    const struct finding *finding = only(&trial);
    assert_int_equal(finding->nstacks, COUNT(titles));
    for (size_t i = 0; i < COUNT(titles); i++)
        assert_string_equal(finding->stacks[i].title, titles[i]);
    end(&trial);
}

static void a_fault_and_its_registers_are_explained(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_crash(&trial, SIGSEGV, guilty);
    trial.outcome.records[trial.outcome.nrecords - 1]->values[CRASH_ADDRESS] = 0x18;
    struct scene_page *page = add_page(&trial, 4242, 1);
    page->error = SCENE_ERROR_WRITE;
    page->npointers = 1;
    page->pointers[0] = (struct scene_pointer){.index = SCENE_RDI,
                                               .block = {.kind = VIOLATION_READ_AFTER,
                                                         .size = 64,
                                                         .offset = 16,
                                                         .worker = 3,
                                                         .nalloc = 1,
                                                         .alloc = {(uint64_t)accomplice + 1}}};
    judge(&trial, 1);
    const struct finding *finding = only(&trial);
    assert_int_equal(finding->nlines, 2);
    assert_string_equal(finding->lines[0], "the fault: a write to null + 0x18");
    assert_string_equal(finding->lines[1],
                        "rdi points 16 bytes into a block of 64 bytes, made by thread 3; the block is "
                        "of accomplice");
    end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hang_states_the_time_without_progress),
        cmocka_unit_test(a_proven_hang_says_so),
        cmocka_unit_test(the_lock_is_named_by_the_function_that_waits),
        cmocka_unit_test(a_collection_that_a_worker_starts_is_held_up_by_those_who_wait),
        cmocka_unit_test(two_locks_without_a_holder_are_most_likely_a_deadlock),
        cmocka_unit_test(a_deadlock_begins_with_the_same_function_whichever_thread_came_first),
        cmocka_unit_test(a_hang_names_its_phase),
        cmocka_unit_test(a_hang_is_inside_a_thread_that_is_stuck),
        cmocka_unit_test(threads_are_named_by_what_they_are),
        cmocka_unit_test(a_fault_and_its_registers_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
