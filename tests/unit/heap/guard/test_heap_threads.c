/* The guard under many threads: threads exchange blocks while the checker walks. It reports no false violation, and
 * each true one once; memory does not grow, and the heap stays intact around fork and without memory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/prng.h"
#include "guarded.h"
#include "heap/memory/block.h"
#include "heap/memory/central.h"
#include "heap/memory/large.h"
#include "heap/memory/lock.h"
#include "heap/memory/pages.h"
#include "heap/site/site.h"
#include "heap/memory/thread.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define THREADS 8
#define LESS(n) (GUARDED_SANITIZER ? (n) / 5 : (n))
#define INTERVAL UINT64_C(100000)
#define CHECKED ((struct guard_settings){.checker = true, .interval = INTERVAL})
#define DEFAULTS ((struct guard_settings){0})
#define PATIENCE (10 * CLOCK_SECOND)

static pthread_t threads[THREADS];
static _Atomic bool stop;

struct worker {
    unsigned number;
    uint64_t operations;
};
static struct worker workers[THREADS];

static void start_threads(unsigned n, void *(*work)(void *))
{
    atomic_store(&stop, false);
    for (unsigned i = 0; i < n; i++) {
        workers[i].number = i;
        MUST_EQUAL(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
}

static void join_threads(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        MUST_EQUAL(pthread_join(threads[i], NULL), 0);
}

static void sleep_for(uint64_t time)
{
    struct timespec pause = {.tv_sec = (time_t)(time / CLOCK_SECOND), .tv_nsec = (long)(time % CLOCK_SECOND)};
    nanosleep(&pause, NULL);
}

static void run_threads(unsigned n, void *(*work)(void *), uint64_t time)
{
    start_threads(n, work);
    sleep_for(time);
    atomic_store(&stop, true);
    join_threads(n);
}

static void must_be_silent(void)
{
    checker_scan(FOUND_SCAN);
    MUST_EQUAL(nreports, 0);
}

static long resident(void)
{
    long whole = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    MUST(file && fscanf(file, "%ld %ld", &whole, &pages) == 2);
    fclose(file);
    return pages * 4096;
}

/* Blocks that threads exchange: the first bytes determine the others. */

#define BOXES 256
static _Atomic(unsigned char *) boxes[BOXES];
static unsigned doublings = GUARDED_SANITIZER ? 12 : 14; /* of 16 bytes, below which letters are */

/* Large blocks rest in some number before they lose their memory. */
static void no_large_letters(void)
{
    doublings = 11;
}

struct head {
    uint32_t size, seed;
};

static unsigned char byte_of(const struct head *head, size_t i)
{
    return (unsigned char)(head->seed + i * 7);
}

static unsigned char *make_letter(struct prng *prng)
{
    size_t size = sizeof(struct head) + prng_next(prng) % ((size_t)16 << prng_next(prng) % doublings);
    struct head head = {(uint32_t)size, (uint32_t)prng_next(prng)};
    unsigned char *at = (unsigned char *)make_at(size, SITE_MADE + prng_next(prng) % 64);
    MUST(at);
    memcpy(at, &head, sizeof head);
    for (size_t i = sizeof head; i < size; i += 1 + i / 8)
        at[i] = byte_of(&head, i);
    at[size - 1] = size > sizeof head ? byte_of(&head, size - 1) : at[size - 1];
    return at;
}

static void read_letter(unsigned char *at)
{
    struct head head;
    memcpy(&head, at, sizeof head);
    MUST_EQUAL(guard_size(at), head.size);
    for (size_t i = sizeof head; i < head.size; i += 1 + i / 8)
        MUST_EQUAL(at[i], byte_of(&head, i));
    drop(at);
}

static void exchange(struct prng *prng)
{
    unsigned char *sent = prng_next(prng) % 4 ? make_letter(prng) : NULL;
    unsigned char *got = atomic_exchange(&boxes[prng_next(prng) % BOXES], sent);
    if (got)
        read_letter(got);
}

static void *exchange_always(void *argument)
{
    struct worker *worker = argument;
    struct prng prng = prng_stream(8, worker->number);
    guard_context.worker = (uint16_t)worker->number;
    for (worker->operations = 0; !atomic_load_explicit(&stop, memory_order_relaxed); worker->operations++)
        exchange(&prng);
    return NULL;
}

static void empty_boxes(void)
{
    for (unsigned i = 0; i < BOXES; i++) {
        unsigned char *left = atomic_exchange(&boxes[i], NULL);
        if (left)
            read_letter(left);
    }
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

/* Damage while the checker walks */

static const struct violation *wait_for_report(void)
{
    uint64_t until = clock_now() + PATIENCE;
    while (atomic_load(&nreports) == 0 && clock_now() < until)
        sleep_for(INTERVAL);
    checker_stop();
    MUST_EQUAL(nreports, 1);
    return &reports[0];
}

static void the_checker_sees_an_overrun(void)
{
    guarded_start(CHECKED);
    char *at = make(100);
    scribble(at + 100, 12);
    const struct violation *violation = wait_for_report();
    must_blame(violation, at, 100, 100, violation->length);
    MUST(violation->length <= 12);
    reported_once(VIOLATION_AFTER, FOUND_SCAN);
}

static void the_checker_sees_a_write_to_a_freed_block(void)
{
    guarded_start(CHECKED);
    char *at = make(100);
    drop(at);
    scribble(at + 10, 1);
    must_blame(wait_for_report(), at, 100, 10, 1);
    reported_once(VIOLATION_FREED_WRITE, FOUND_SCAN);
}

static void the_checker_sees_an_overrun_among_busy_threads(void)
{
    guarded_start(CHECKED);
    start_threads(4, exchange_always);
    char *at = make_at(1000, 0x7700);
    scribble(at + 1000, 4);
    const struct violation *violation = wait_for_report();
    atomic_store(&stop, true);
    join_threads(4);
    MUST_EQUAL(violation->kind, VIOLATION_AFTER);
    MUST_EQUAL(violation->found, FOUND_SCAN);
    must_blame(violation, at, 1000, 1000, violation->length);
    MUST_EQUAL(violation->alloc_site, 0x7700);
}

/* Blocks that are written after free and soon used again by their own threads: the checker and the next use of
 * the slot meet the same damage. */
#define SPOILED 15

static void *write_after_free(void *argument)
{
    const struct worker *worker = argument;
    for (unsigned i = 0; i < SPOILED; i++) {
        char *at = make_at(100, 0x9000 + 0x100 * worker->number + i);
        drop(at);
        *(volatile uint64_t *)(void *)(at + 8) =
            0x4141414141414141; /* one store: the checker sees all of it */
        for (int k = 0; k < 300; k++)
            drop(make(100));
    }
    return NULL;
}

static void must_be_reported_once_each(void)
{
    uint64_t seen[4] = {0};
    MUST_EQUAL(nreports, 4 * SPOILED);
    for (unsigned i = 0; i < nreports; i++) {
        uint64_t site = reports[i].alloc_site - 0x9000, bit = UINT64_C(1) << site % 0x100;
        MUST_EQUAL(reports[i].kind, VIOLATION_FREED_WRITE);
        must_blame(&reports[i], (const char *)(uintptr_t)reports[i].address, 100, 8, 8);
        MUST(!(seen[site / 0x100] & bit));
        seen[site / 0x100] |= bit;
    }
}

static void damage_seen_by_two_threads_is_reported_once(void)
{
    guarded_start((struct guard_settings){.checker = true, .interval = 1000, .quarantine = 4096});
    start_threads(4, write_after_free);
    join_threads(4);
    checker_stop();
    checker_scan(FOUND_SCAN);
    must_be_reported_once_each();
}

static char *victim;

static void *spoil_victim(void *argument)
{
    (void)argument;
    scribble(victim + 200, 8);
    return NULL;
}

static void the_checker_sees_writes_of_other_threads(void)
{
    guarded_start(CHECKED);
    guard_context.worker = 7;
    victim = make(200);
    start_threads(1, spoil_victim);
    const struct violation *violation = wait_for_report();
    join_threads(1);
    reported_once(VIOLATION_AFTER, FOUND_SCAN);
    must_blame(violation, victim, 200, 200, violation->length);
    MUST_EQUAL(violation->worker, 7);
}

/* Two threads free one block at once */

#define TWICE 60
static char *twice[TWICE];
static _Atomic unsigned ready;

static void *free_with_the_other(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < TWICE; i++) {
        atomic_fetch_add(&ready, 1);
        while (atomic_load(&ready) < 2 * (i + 1))
            ;
        guard_release(twice[i], BLOCK_MALLOC, 0x8000 + 16 * i);
    }
    return NULL;
}

static void a_double_free_by_two_threads_is_reported_once(void)
{
    guarded_start(CHECKED);
    for (unsigned i = 0; i < TWICE; i++)
        twice[i] = make(24 + 100 * i);
    start_threads(2, free_with_the_other);
    join_threads(2);
    MUST_EQUAL(nreports, TWICE);
    for (unsigned i = 0; i < TWICE; i++) {
        MUST_EQUAL(reports[i].kind, VIOLATION_DOUBLE_FREE);
        MUST_EQUAL(reports[i].address, (uintptr_t)twice[i]);
        MUST_EQUAL(reports[i].size, 24 + 100 * i);
        MUST_EQUAL(reports[i].free_site, 0x8000 + 16 * i);
    }
    run_threads(4, exchange_always, CLOCK_SECOND / 5);
    checker_stop();
    checker_scan(FOUND_SCAN);
    MUST_EQUAL(nreports, TWICE);
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

/* Without memory */

static char *chain; /* blocks that are held, each with the one before in its first bytes */

static void hold_all_memory(size_t size)
{
    char *at;
    errno = 0;
    while ((at = make_at(size, SITE_MADE))) {
        memcpy(at, &chain, sizeof chain);
        chain = at;
    }
    MUST_EQUAL(errno, ENOMEM);
}

static void free_chain(void)
{
    while (chain) {
        char *at = chain;
        memcpy(&chain, at, sizeof chain);
        drop(at);
    }
}

static const size_t sizes[] = {3000000, 100000, 60000, 5000, 100};

/* Memory of every size can be used again: address space stays with its class. */
static void use_all_sizes(unsigned times)
{
    for (unsigned k = 0; k < times; k++)
        for (unsigned i = 0; i < COUNT(sizes); i++)
            drop(make(sizes[i]));
}

static void hold(size_t size, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char *at = make(size);
        memcpy(at, &chain, sizeof chain);
        chain = at;
    }
}

/* More blocks of each size than a quarantine holds. */
static void run_out_and_recover(void)
{
    for (unsigned i = 1; i < COUNT(sizes); i++)
        hold(sizes[i], 300);
    free_chain();
    char *kept = make(10000);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < COUNT(sizes); i++)
            hold_all_memory(sizes[i]);
        MUST(!guard_reallocate(kept, 30000000, BLOCK_MALLOC, SITE_MADE));
        MUST_EQUAL(guard_size(kept), 10000);
        free_chain();
        use_all_sizes(1000);
    }
    must_be_silent();
}

/* Limits the address space to the present size and `more` bytes. */
static void limit_to(int which, size_t more)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    MUST(file && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    struct rlimit limit = {(size_t)pages * 4096 + more, (size_t)pages * 4096 + more};
    if (GUARDED_SANITIZER)
        guarded_skip("a sanitizer's shadow memory does not fit a limit");
    MUST_EQUAL(setrlimit(which, &limit), 0);
}

static void a_limit_on_address_space_is_survived(void)
{
    limit_to(RLIMIT_AS, 1 << 30);
    guarded_start(DEFAULTS);
    run_out_and_recover();
}

static void a_limit_on_data_is_survived(void)
{
    limit_to(RLIMIT_DATA, 300 << 20);
    guarded_start(DEFAULTS);
    run_out_and_recover();
}

static void a_guard_without_address_space_is_refused(void)
{
    limit_to(RLIMIT_AS, 256 << 10);
    MUST_EQUAL(guard_start(&(struct guard_settings){.report = guarded_keep}), -ENOMEM);
    MUST(!guard_is_on());
}

/* Memory and grace periods */

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

#define SMALL 1000 /* blocks of two units each, just below the share */

static void fill_quarantine(char **all)
{
    for (int i = 0; i < SMALL; i++)
        all[i] = make(80);
    for (int i = 0; i < SMALL; i++)
        drop(all[i]);
    MUST_EQUAL(heap_thread->first, 0);
}

static void free_more(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        drop(make(80));
}

/* The test is the reader: as long as it reads, no block that it may have seen is used again. */
static void a_reader_holds_blocks_in_the_quarantine(void)
{
    static char *all[SMALL];
    guarded_start((struct guard_settings){.quarantine = SMALL * 128 + 64});
    atomic_fetch_add(&thread_readers, 1);
    fill_quarantine(all);
    free_more(500);
    MUST_EQUAL(heap_thread->first, 0);
    atomic_fetch_add(&thread_grace, 1);
    free_more(500);
    MUST_EQUAL(heap_thread->first, 0);
    atomic_fetch_add(&thread_grace, 1);
    free_more(10);
    MUST(heap_thread->first > 0 && heap_thread->first <= 2 * 10);
    atomic_fetch_sub(&thread_readers, 1);
    must_be_silent();
}

static void without_readers_blocks_leave_at_once(void)
{
    static char *all[SMALL];
    guarded_start((struct guard_settings){.quarantine = SMALL * 128 + 64});
    fill_quarantine(all);
    free_more(10);
    MUST(heap_thread->first > 0);
    must_be_silent();
}

static void a_reader_that_never_ends_does_not_hold_everything(void)
{
    static char *all[SMALL];
    guarded_start((struct guard_settings){.quarantine = SMALL * 128 + 64});
    atomic_fetch_add(&thread_readers, 1);
    fill_quarantine(all);
    free_more(50000);
    MUST(heap_thread->held <= 4 * thread_share + 2);
    MUST(heap_thread->last - heap_thread->first <= THREAD_QUARANTINE);
    must_be_silent();
}

static void the_checker_ends_grace_periods(void)
{
    guarded_start(CHECKED);
    uint32_t before = atomic_load(&thread_grace);
    uint64_t until = clock_now() + PATIENCE;
    while (atomic_load(&thread_grace) - before < 20 && clock_now() < until)
        sleep_for(INTERVAL);
    MUST(atomic_load(&thread_grace) - before >= 20);
    checker_stop();
    MUST_EQUAL(atomic_load(&thread_readers), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUARDED_TEST(blocks_go_from_hand_to_hand_in_silence),
        GUARDED_TEST(with_whole_poison_and_hardly_any_quarantine_too),
        GUARDED_TEST(with_samples_between_pages_too),
        GUARDED_TEST(the_checker_sees_an_overrun),
        GUARDED_TEST(the_checker_sees_a_write_to_a_freed_block),
        GUARDED_TEST(the_checker_sees_an_overrun_among_busy_threads),
        GUARDED_TEST(the_checker_sees_writes_of_other_threads),
        GUARDED_TEST(damage_seen_by_two_threads_is_reported_once),
        GUARDED_TEST(a_double_free_by_two_threads_is_reported_once),
        GUARDED_TEST(blocks_freed_by_another_thread_come_back),
        GUARDED_TEST(short_threads_leave_nothing_behind),
        GUARDED_TEST(a_destructor_may_call_the_heap),
        GUARDED_TEST(a_forked_child_can_allocate),
        GUARDED_TEST(a_limit_on_address_space_is_survived),
        GUARDED_TEST(a_limit_on_data_is_survived),
        GUARDED_TEST(a_guard_without_address_space_is_refused),
        GUARDED_TEST(a_steady_load_stays_flat),
        GUARDED_TEST(a_reader_holds_blocks_in_the_quarantine),
        GUARDED_TEST(without_readers_blocks_leave_at_once),
        GUARDED_TEST(a_reader_that_never_ends_does_not_hold_everything),
        GUARDED_TEST(the_checker_ends_grace_periods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
