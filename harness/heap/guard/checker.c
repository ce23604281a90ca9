/* See checker.h for the contract. */
#include "heap/guard/checker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>
#include <urcu/urcu-memb.h>

#include "base/clock.h"
#include "base/peek.h"
#include "heap/guard/check.h"
#include "heap/memory/large.h"
#include "heap/memory/pages.h"
#include "heap/memory/pattern.h"
#include "heap/guard/violation_report.h"
#include "heap/memory/thread.h"

/* Times in ns of one piece of work and of the least sleep after it, and the checker's greatest share of a processor. */
#define SLICE UINT64_C(100000)
#define INTERVAL UINT64_C(2000000)
#define SHARE 50 /* 1/50 */
#define AHEAD 4  /* blocks to fetch ahead */

static pthread_t thread;
static _Atomic bool running, stop;
static _Atomic pid_t tid;
static uint64_t pause_least;
static _Atomic uint64_t blocks_walked, time_walked, blocks_present;

/* The pages may become inaccessible during the read: the kernel copies the bytes, or fails. */
static void check_pages(const struct span *span, enum violation_found found)
{
    struct block *block = span->blocks, copy;
    uint32_t word = block_load(block);
    char bytes[BLOCK_LOOK];
    if (block_state_of(word) != BLOCK_LIVE || atomic_load_explicit(&block->reported, memory_order_relaxed) ||
        !check_copy(block, word, &copy))
        return;
    const char *end = block_user(&copy) + copy.size, *limit = check_tail_end(span, &copy);
    if (end >= limit || limit - end > BLOCK_LOOK ||
        !peek(0, (uint64_t)(uintptr_t)end, bytes, (size_t)(limit - end)))
        return;
    struct damage damage = {NULL, NULL};
    for (const char *at = end; at < limit; at++)
        if (bytes[at - end] != pattern_byte(pattern_of(copy.start), at))
            damage = (struct damage){damage.from ? damage.from : at, at + 1};
    if (damage.from && block_still(block, word))
        violation_report_damage(span, block, damage, found);
}

static inline void check_one(const struct span *span, struct block *block, enum violation_found found)
{
    struct damage damage = check_block(span, block);
    if (__builtin_expect(damage.from == NULL, 1) ||
        atomic_load_explicit(&block->reported, memory_order_relaxed))
        return;
    violation_report_damage(span, block, damage, found);
}

/* Returns the number of checked blocks. */
static uint32_t walk_span(const struct span *span, enum violation_found found)
{
    uint32_t n = span_carved(span);
    if (span->kind == SPAN_PAGES) {
        if (n > 0)
            check_pages(span, found);
        return n;
    }
    for (uint32_t i = 0; i < n; i++) {
        __builtin_prefetch(span->start + (i + AHEAD) * span->slot_size);
        check_one(span, &span->blocks[i], found);
    }
    return n;
}

void checker_scan(enum violation_found found)
{
    uint32_t nspans = region_spans();
    for (uint32_t i = 1; i <= nspans; i++)
        walk_span(region_span(i), found);
}

/* The processor time of this thread. */
static uint64_t processor_time(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * CLOCK_SECOND + (uint64_t)time.tv_nsec;
}

/* Walks on from span *at until the slice is over. */
static void work(uint32_t *at, uint32_t nspans, uint64_t *present)
{
    uint64_t began = clock_now(), now = began, used = processor_time(), walked = 0;
    while (*at <= nspans && now - began < SLICE) {
        for (unsigned i = 0; i < 8 && *at <= nspans; i++, ++*at) {
            atomic_fetch_add(&thread_readers, 1);
            urcu_memb_read_lock();
            walked += walk_span(region_span(*at), FOUND_SCAN);
            urcu_memb_read_unlock();
            atomic_fetch_sub_explicit(&thread_readers, 1, memory_order_release);
        }
        now = clock_now();
    }
    *present += walked;
    atomic_fetch_add_explicit(&blocks_walked, walked, memory_order_relaxed);
    atomic_fetch_add_explicit(&time_walked, processor_time() - used, memory_order_relaxed);
}

/* Sleeps, and ends a grace period. */
static void rest(uint64_t worked)
{
    uint64_t pause = worked * (SHARE - 1);
    if (pause < pause_least)
        pause = pause_least;
    struct timespec time = {.tv_sec = (time_t)(pause / CLOCK_SECOND),
                            .tv_nsec = (long)(pause % CLOCK_SECOND)};
    if (!atomic_load_explicit(&stop, memory_order_relaxed))
        nanosleep(&time, NULL);
    urcu_memb_synchronize_rcu();
    atomic_fetch_add_explicit(&thread_grace, 1, memory_order_release);
}

static void one_round(void)
{
    uint32_t nspans = region_spans(), at = 1;
    uint64_t present = 0;
    do {
        uint64_t began = clock_now();
        work(&at, nspans, &present);
        rest(clock_now() - began);
    } while (at <= nspans);
    atomic_store_explicit(&blocks_present, present, memory_order_relaxed);
    atomic_fetch_add_explicit(&violation_report_round, 1, memory_order_relaxed);
    large_trim();
}

static void *checker_main(void *argument)
{
    (void)argument;
    atomic_store(&tid, gettid());
    urcu_memb_register_thread();
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        one_round();
    urcu_memb_unregister_thread();
    return NULL;
}

int checker_start(uint64_t interval)
{
    sigset_t all, before;
    pause_least = interval ? interval : INTERVAL;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&thread, NULL, checker_main, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error) {
        pthread_setname_np(thread, "ft-checker");
        atomic_store(&running, true);
    }
    return -error;
}

void checker_stop(void)
{
    if (!atomic_exchange(&running, false))
        return;
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
}

pid_t checker_tid(void)
{
    return atomic_load(&tid);
}

void checker_forget(void)
{
    atomic_store(&tid, 0);
    atomic_store(&running, false);
    atomic_store(&thread_readers, 0);
}

void checker_sum(struct checker_totals *totals)
{
    totals->rounds = atomic_load_explicit(&violation_report_round, memory_order_relaxed);
    totals->blocks = atomic_load_explicit(&blocks_walked, memory_order_relaxed);
    totals->nanoseconds = atomic_load_explicit(&time_walked, memory_order_relaxed);
    totals->present = atomic_load_explicit(&blocks_present, memory_order_relaxed);
}
