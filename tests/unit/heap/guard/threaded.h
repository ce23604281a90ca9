/* What the tests of the guard under many threads share: threads, and the blocks that they exchange. Included after
 * cmocka.h. */
#pragma once

#include <pthread.h>

#include "base/clock.h"
#include "base/prng.h"
#include "guarded.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define THREADS 8
#define INTERVAL UINT64_C(100000)
#define CHECKED ((struct guard_settings){.checker = true, .interval = INTERVAL})
#define PATIENCE (10 * CLOCK_SECOND)

static pthread_t threads[THREADS];
static _Atomic bool stop;

struct worker {
    unsigned number;
    uint64_t operations;
};
static struct worker workers[THREADS];

static inline void start_threads(unsigned n, void *(*work)(void *))
{
    atomic_store(&stop, false);
    for (unsigned i = 0; i < n; i++) {
        workers[i].number = i;
        MUST_EQUAL(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
}

static inline void join_threads(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        MUST_EQUAL(pthread_join(threads[i], NULL), 0);
}

static inline void sleep_for(uint64_t time)
{
    struct timespec pause = {.tv_sec = (time_t)(time / CLOCK_SECOND), .tv_nsec = (long)(time % CLOCK_SECOND)};
    nanosleep(&pause, NULL);
}

static inline void run_threads(unsigned n, void *(*work)(void *), uint64_t time)
{
    start_threads(n, work);
    sleep_for(time);
    atomic_store(&stop, true);
    join_threads(n);
}

static inline void must_be_silent(void)
{
    checker_scan(FOUND_SCAN);
    MUST_EQUAL(nreports, 0);
}

/* Blocks that threads exchange: the first bytes determine the others. */

#define BOXES 256
static _Atomic(unsigned char *) boxes[BOXES];
static unsigned doublings = GUARDED_SANITIZER ? 12 : 14; /* of 16 bytes, below which letters are */

struct head {
    uint32_t size, seed;
};

static inline unsigned char byte_of(const struct head *head, size_t i)
{
    return (unsigned char)(head->seed + i * 7);
}

static inline unsigned char *make_letter(struct prng *prng)
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

static inline void read_letter(unsigned char *at)
{
    struct head head;
    memcpy(&head, at, sizeof head);
    MUST_EQUAL(guard_size(at), head.size);
    for (size_t i = sizeof head; i < head.size; i += 1 + i / 8)
        MUST_EQUAL(at[i], byte_of(&head, i));
    drop(at);
}

static inline void exchange(struct prng *prng)
{
    unsigned char *sent = prng_next(prng) % 4 ? make_letter(prng) : NULL;
    unsigned char *got = atomic_exchange(&boxes[prng_next(prng) % BOXES], sent);
    if (got)
        read_letter(got);
}

static inline void *exchange_always(void *argument)
{
    struct worker *worker = argument;
    struct prng prng = prng_stream(8, worker->number);
    guard_context.worker = (uint16_t)worker->number;
    for (worker->operations = 0; !atomic_load_explicit(&stop, memory_order_relaxed); worker->operations++)
        exchange(&prng);
    return NULL;
}

static inline void empty_boxes(void)
{
    for (unsigned i = 0; i < BOXES; i++) {
        unsigned char *left = atomic_exchange(&boxes[i], NULL);
        if (left)
            read_letter(left);
    }
}
