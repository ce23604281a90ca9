/* The guard under many threads: threads exchange blocks while the checker walks. It reports no false violation, memory
 * does not grow, and the heap stays intact around fork. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "heap/memory/lock.h"
#include "heap/memory/pages.h"
#include "heap/site/site.h"
#include "heap/guard/threaded.h"

#define LESS(n) (GUARDED_SANITIZER ? (n) / 5 : (n))

static long resident(void)
{
    long whole = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    MUST(file && fscanf(file, "%ld %ld", &whole, &pages) == 2);
    fclose(file);
    return pages * 4096;
}

/* Large blocks rest in some number before they lose their memory. */
static void no_large_letters(void)
{
    doublings = 11;
}

static void must_have_walked(void)
{
    struct checker_totals totals;
    checker_stop();
    checker_sum(&totals);
    MUST(totals.rounds > 0 && totals.blocks > 0 && totals.present > 0 && totals.nanoseconds > 0);
}

static void exchange_under(struct guard_settings settings, uint64_t time)
{
    guarded_start(settings);
    run_threads(THREADS, exchange_always, time);
    empty_boxes();
    must_have_walked();
    must_be_silent();
    for (unsigned i = 0; i < THREADS; i++)
        MUST(workers[i].operations > 10);
}

static void blocks_go_from_hand_to_hand_in_silence(void)
{
    exchange_under(CHECKED, 2 * CLOCK_SECOND);
}

static void with_whole_poison_and_hardly_any_quarantine_too(void)
{
    exchange_under(
        (struct guard_settings){.checker = true, .interval = INTERVAL, .whole = true, .quarantine = 4096},
        CLOCK_SECOND);
}

/* A third of the blocks lie between pages. */
static void with_samples_between_pages_too(void)
{
    pages_set_limit(64);
    site_start_sampling(3);
    exchange_under(CHECKED, CLOCK_SECOND);
}

/* Blocks of other threads */

#define RING 1024
static _Atomic(char *) ring[RING];

static void *produce(void *argument)
{
    struct worker *worker = argument;
    for (uint64_t i = 0; i < LESS(500000); i++) {
        char *at = make(16 + i % 300);
        memset(at, 'x', 16);
        while (atomic_load_explicit(&ring[i % RING], memory_order_relaxed))
            sched_yield();
        atomic_store_explicit(&ring[i % RING], at, memory_order_release);
    }
    worker->operations = LESS(500000);
    return NULL;
}

static void consume(uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        char *at;
        while (!(at = atomic_load_explicit(&ring[i % RING], memory_order_acquire)))
            sched_yield();
        MUST_EQUAL(at[15], 'x');
        MUST_EQUAL(guard_size(at), 16 + i % 300);
        drop(at);
        atomic_store_explicit(&ring[i % RING], NULL, memory_order_relaxed);
    }
}

static void blocks_freed_by_another_thread_come_back(void)
{
    guarded_start(CHECKED);
    start_threads(1, produce);
    consume(0, LESS(100000));
    uint32_t spans = region_spans();
    consume(LESS(100000), LESS(500000));
    join_threads(1);
    checker_stop();
    MUST(region_spans() <= spans + spans / 2 + 20);
    must_be_silent();
}

/* Threads that end */

static pthread_barrier_t generation;

/* They leave some of their blocks to others, and free some of others'. No thread ends before all of its generation have
 * used the heap: each generation then needs as many thread states as any other. */
static void *live_shortly(void *argument)
{
    const struct worker *worker = argument;
    struct prng prng = prng_stream(9, worker->operations);
    for (int i = 0; i < 60; i++)
        exchange(&prng);
    char *own[20];
    for (unsigned i = 0; i < COUNT(own); i++)
        own[i] = make(prng_next(&prng) % 2000);
    pthread_barrier_wait(&generation);
    for (unsigned i = 0; i < COUNT(own); i++)
        drop(own[i]);
    return NULL;
}

static void live_and_end(unsigned generations)
{
    for (unsigned i = 0; i < generations; i++) {
        for (unsigned k = 0; k < THREADS; k++)
            workers[k].operations++;
        start_threads(THREADS, live_shortly);
        join_threads(THREADS);
    }
}

static void short_threads_leave_nothing_behind(void)
{
    no_large_letters();
    guarded_start(CHECKED);
    MUST_EQUAL(pthread_barrier_init(&generation, NULL, THREADS), 0);
    live_and_end(50);
    uint32_t spans = region_spans();
    long before = resident();
    live_and_end(LESS(250));
    checker_stop();
    MUST(region_spans() <= spans + spans / 4 + 30);
    if (!GUARDED_SANITIZER)
        MUST(resident() - before < 8 << 20);
    empty_boxes();
    must_be_silent();
}

static pthread_key_t late;

static void free_late(void *at)
{
    drop(at);
    drop(make(100));
}

static void *end_with_a_destructor(void *argument)
{
    (void)argument;
    pthread_setspecific(late, make(100));
    return NULL;
}

static void a_destructor_may_call_the_heap(void)
{
    drop((guarded_start(CHECKED), make(1)));
    MUST_EQUAL(pthread_key_create(&late, free_late), 0);
    for (int i = 0; i < 200; i++) {
        start_threads(2, end_with_a_destructor);
        join_threads(2);
    }
    checker_stop();
    must_be_silent();
}

/* Fork */

static void unlock_all_in_child(void)
{
    heap_unlock_all();
    checker_forget();
}

static void allocate_in_child(void)
{
    struct prng prng = prng_stream(10, 0);
    alarm(10);
    for (int i = 0; i < 3000; i++)
        exchange(&prng);
    drop(make(500000));
    checker_stop();
    checker_scan(FOUND_SCAN);
    _exit(nreports == 0 ? 0 : 3);
}

/* Another thread may exchange a box during the fork, but atomically. */
static void a_forked_child_can_allocate(void)
{
#ifdef GUARDED_THREAD_SANITIZER
    guarded_skip("ThreadSanitizer follows 64 locks at once, and there are more around fork");
#endif
    guarded_start(CHECKED);
    MUST_EQUAL(pthread_atfork(heap_lock_all, heap_unlock_all, unlock_all_in_child), 0);
    start_threads(4, exchange_always);
    for (int i = 0; i < 20; i++) {
        int status = 0;
        pid_t child = fork();
        MUST(child >= 0);
        if (child == 0)
            allocate_in_child();
        MUST_EQUAL(waitpid(child, &status, 0), child);
        MUST_EQUAL(status, 0);
    }
    atomic_store(&stop, true);
    join_threads(4);
    checker_stop();
    must_be_silent();
}

/* A load that goes on */

static void a_steady_load_stays_flat(void)
{
    no_large_letters();
    guarded_start(CHECKED);
    run_threads(4, exchange_always, CLOCK_SECOND / 2);
    uint32_t spans = region_spans();
    long before = resident();
    run_threads(4, exchange_always, CLOCK_SECOND);
    checker_stop();
    MUST(region_spans() <= spans + spans / 2 + 30);
    if (!GUARDED_SANITIZER)
        MUST(resident() - before < 8 << 20);
    empty_boxes();
    must_be_silent();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUARDED_TEST(blocks_go_from_hand_to_hand_in_silence),
        GUARDED_TEST(with_whole_poison_and_hardly_any_quarantine_too),
        GUARDED_TEST(with_samples_between_pages_too),
        GUARDED_TEST(blocks_freed_by_another_thread_come_back),
        GUARDED_TEST(short_threads_leave_nothing_behind),
        GUARDED_TEST(a_destructor_may_call_the_heap),
        GUARDED_TEST(a_forked_child_can_allocate),
        GUARDED_TEST(a_steady_load_stays_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
