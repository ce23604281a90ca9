/* Single-stepping: two threads call the same function of a file under test in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <Python.h>

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "embedded.h"
#include "detectors/watch/candidates.h"
#include "detectors/watch/target_file.h"
#include "detectors/trace/trace.h"

static void *file;
static struct target_cache cache;

struct stepped_call {
    target_call *function;
    unsigned thread;
    long n, result;
    struct trace_budget budget;
    uint64_t steps;
    bool cut;
};

static void on_signal(int number, siginfo_t *info, void *ucontext)
{
    if (!(number == SIGTRAP ? trace_on_trap : trace_on_fault)(info, ucontext))
        abort();
}

/* cmocka sets its own handlers before each test. */
static void begin(unsigned thread, const struct trace_budget *budget)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGTRAP, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    trace_begin(thread, budget);
}

static void *step_call(void *argument)
{
    struct stepped_call *call = argument;
    begin(call->thread, &call->budget);
    call->result = call->function(&cache, call->n);
    call->steps = trace_end();
    call->cut = trace_was_cut();
    return NULL;
}

static struct stepped_call step_late(const char *name, unsigned thread, long n, uint64_t most, uint64_t delay)
{
    pthread_t id;
    struct stepped_call call = {.thread = thread, .n = n, .budget = {most, 5 * CLOCK_SECOND, delay}};
    call.function = (target_call *)dlsym(file, name);
    assert_non_null(call.function);
    assert_int_equal(pthread_create(&id, NULL, step_call, &call), 0);
    pthread_join(id, NULL);
    return call;
}

static struct stepped_call step(const char *name, unsigned thread, long n, uint64_t most)
{
    return step_late(name, thread, n, most, 0);
}

static unsigned step_on_both(const char *name, long n)
{
    assert_true(step(name, 0, n, 100000).steps > 5);
    assert_true(step(name, 1, n, 100000).steps > 5);
    return trace_settle(NULL);
}

static struct candidate find(const void *at)
{
    struct candidate found = {0};
    assert_true(candidates_find((uintptr_t)at, &found));
    return found;
}

static int start(void **state)
{
    (void)state;
    candidates_forget_heap();
    cache = (struct target_cache){0};
    return 0;
}

static void test_a_counter(void **state)
{
    (void)state;
    long *words = dlsym(file, "own_words");
    assert_int_equal(step_on_both("own_call", 5), 1);
    struct candidate found = find(&words[5]);
    assert_ptr_equal(found.address, &words[5]);
    assert_int_equal(found.size, 8);
    assert_true(found.flags & CANDIDATE_EACH_CALL);
    assert_true(found.flags & CANDIDATE_PLAIN);
    assert_false(found.flags & CANDIDATE_LOCKED);
    assert_true(found.writer_pc - (uintptr_t)dlsym(file, "own_call") < 64);
}

static void test_a_lazy_cache(void **state)
{
    (void)state;
    assert_int_equal(step_on_both("own_lazy", 7), 2);
    assert_int_equal(cache.value, 49);
    struct candidate filled = find(&cache.filled), value = find(&cache.value);
    assert_false(filled.flags & CANDIDATE_EACH_CALL);
    assert_true(filled.flags & CANDIDATE_READ);
    assert_true(value.reader_pc && value.writer_pc && value.reader_pc != value.writer_pc);
}

static void test_memory_that_libc_writes(void **state)
{
    (void)state;
    long *words = dlsym(file, "own_words");
    assert_true(step_on_both("own_copy", 3) > 30);
    assert_true(find(&words[200]).flags & CANDIDATE_WRITE);
    assert_true(find(&words[231]).flags & CANDIDATE_WRITE);
}

static void test_one_thread_is_not_enough(void **state)
{
    (void)state;
    step("own_call", 3, 9, 1000);
    step("own_call", 3, 9, 1000);
    assert_int_equal(trace_settle(NULL), 0);
}

/* An index may bring further threads to the words of the first ones; not where they lie far apart. */
static void test_words_near_each_other(void **state)
{
    (void)state;
    struct candidate known;
    long *words = dlsym(file, "own_words");
    step("own_call", 0, 21, 1000);
    step("own_call", 1, 22, 1000);
    assert_int_equal(trace_settle(NULL), 0);
    uint32_t weight = find(&words[21]).weight;
    assert_int_equal(find(&words[22]).weight, weight);
    step_on_both("own_call", 23);
    assert_true(find(&words[23]).weight > 5 * weight);
    step("own_call", 0, 24, 1000);
    step("own_call", 1, 300, 1000);
    assert_int_equal(trace_settle(NULL), 0);
    assert_false(candidates_find((uintptr_t)&words[24], &known));
}

static void test_atomics_are_light(void **state)
{
    (void)state;
    assert_int_equal(step_on_both("own_atomic", 1), 1);
    uint32_t atomic = find(&cache.value).weight;
    assert_true(find(&cache.value).flags & CANDIDATE_LOCKED);
    assert_false(find(&cache.value).flags & CANDIDATE_PLAIN);
    long *words = dlsym(file, "own_words");
    step_on_both("own_call", 11);
    assert_true(find(&words[11]).weight > 5 * atomic);
}

static void test_a_loop_counts_as_one(void **state)
{
    (void)state;
    long *words = dlsym(file, "own_words");
    assert_int_equal(step_on_both("own_loop", 1), 64);
    assert_true(find(&words[100]).weight * 60 < 4096);
}

static void test_budget(void **state)
{
    (void)state;
    struct stepped_call call = step("own_loop", 0, 1, 40);
    assert_true(call.cut);
    assert_int_equal(call.steps, 40);
    assert_int_equal(call.result, 1);
    assert_false(step("own_loop", 0, 1, 100000).cut);
    trace_settle(NULL);
}

/* The call runs for longer than its budget: a delayed trace sees what a trace from the start cannot. */
static void test_later_window(void **state)
{
    (void)state;
    struct stepped_call early = step("own_long", 0, 50, 2000), late = {0};
    assert_true(early.cut);
    for (int i = 0; i < 20 && !late.steps; i++)
        late = step_late("own_long", 0, 50, 2000, 1000000);
    assert_true(late.steps > 0);
    assert_int_equal(late.result, early.result);
    assert_int_equal(step_late("own_call", 0, 50, 2000, CLOCK_SECOND).steps, 0);
    trace_settle(NULL);
}

static void test_fork(void **state)
{
    (void)state;
    struct stepped_call call = step("own_fork", 0, 42, 1000000);
    assert_int_equal(call.result, 42);
    trace_settle(NULL);
}

/* The flags that the call has saved have the trap flag in them; signals are blocked meanwhile. */
static void test_saved_flags_and_blocked_signals(void **state)
{
    (void)state;
    struct stepped_call call = step("own_popf", 0, 3, 1000000);
    assert_int_equal(call.result, 3);
    assert_true(call.cut);
    trace_settle(NULL);
}

static void step_here(target_call *function, unsigned thread, void *at)
{
    begin(thread, &(struct trace_budget){10000, CLOCK_SECOND, 0});
    function(at, 0);
    trace_end();
}

/* own_atomic changes the second word of what it gets. */
static void test_heads_of_objects_are_left_out(void **state)
{
    (void)state;
    target_call *atomic = (target_call *)dlsym(file, "own_atomic");
    PyObject *object = PyList_New(0);
    for (unsigned thread = 0; thread < 2; thread++)
        step_here(atomic, thread, (char *)object + offsetof(PyObject, ob_type) - 16);
    assert_int_equal(trace_settle(NULL), 0);
    for (unsigned thread = 0; thread < 2; thread++)
        step_here(atomic, thread, (char *)object + sizeof(PyObject) - 8);
    assert_int_equal(trace_settle(NULL), 1);
    Py_DECREF(object);
}

int main(void)
{
    candidates_start();
    file = dlopen(FTSTRESS_TEST_FILE, RTLD_NOW);
    if (!file || !embedded_start() || trace_start() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_counter, start),
        cmocka_unit_test_setup(test_words_near_each_other, start),
        cmocka_unit_test_setup(test_a_lazy_cache, start),
        cmocka_unit_test_setup(test_memory_that_libc_writes, start),
        cmocka_unit_test_setup(test_one_thread_is_not_enough, start),
        cmocka_unit_test_setup(test_atomics_are_light, start),
        cmocka_unit_test_setup(test_a_loop_counts_as_one, start),
        cmocka_unit_test_setup(test_budget, start),
        cmocka_unit_test_setup(test_later_window, start),
        cmocka_unit_test_setup(test_fork, start),
        cmocka_unit_test_setup(test_saved_flags_and_blocked_signals, start),
        cmocka_unit_test_setup(test_heads_of_objects_are_left_out, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
