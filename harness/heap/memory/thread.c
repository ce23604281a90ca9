/* See thread.h for the contract. */
#include "heap/memory/thread.h"

#include <pthread.h>
#include <sys/mman.h>

#include "heap/memory/central.h"
#include "heap/memory/lock.h"

/* Bytes of a class in a thread's cache. */
#define AT_HAND 32768
#define HARD 2 /* shares that a quarantine may hold while no grace period ends */

__thread struct heap_thread *heap_thread __attribute__((tls_model("initial-exec")));
_Atomic uint32_t thread_grace, thread_readers;
uint32_t thread_share = (128 << 10) / 64;

static struct heap_thread *orphans;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

void thread_set_quarantine(size_t bytes)
{
    thread_share = (uint32_t)(bytes / 64);
}

/* Runs when the thread ends: its state, with the quarantine, waits for another thread. */
static void abandon(void *argument)
{
    struct heap_thread *thread = argument;
    heap_thread = NULL;
    heap_lock(LOCK_THREADS);
    thread->next = orphans;
    orphans = thread;
    heap_unlock(LOCK_THREADS);
}

static void make_key(void)
{
    pthread_key_create(&key, abandon);
}

static struct heap_thread *new_thread(void)
{
    struct heap_thread *thread = mmap(NULL, sizeof *thread, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (thread == MAP_FAILED)
        return NULL;
    for (unsigned i = 0; i < CLASS_SLABS; i++) {
        size_t room = AT_HAND / class_slot_size(i);
        thread->caches[i].room = room < 2 ? 2 : room > THREAD_CACHE ? THREAD_CACHE : (unsigned)room;
        thread->caches[i].slots = thread->slots[i];
    }
    return thread;
}

struct heap_thread *thread_adopt(void)
{
    pthread_once(&once, make_key);
    heap_lock(LOCK_THREADS);
    struct heap_thread *thread = orphans;
    if (thread)
        orphans = thread->next;
    heap_unlock(LOCK_THREADS);
    if (!thread)
        thread = new_thread();
    heap_thread = thread;
    if (thread)
        pthread_setspecific(key, thread);
    return thread;
}

struct block *thread_refill(struct heap_thread *thread, unsigned class)
{
    struct class_cache *cache = &thread->caches[class];
    unsigned batch = cache->room / 2;
    cache->n = central_take(class, cache->slots, batch > 0 ? batch : 1);
    return cache->n > 0 ? cache->slots[--cache->n] : NULL;
}

/* Returns a slot to the thread's cache; moves half of a full cache to the central list. */
static void cache_put(struct heap_thread *thread, const struct quarantined *released)
{
    struct class_cache *cache = &thread->caches[released->class];
    if (cache->n == cache->room) {
        unsigned half = cache->room / 2;
        central_give(released->class, cache->slots + (cache->n - half), half);
        cache->n -= half;
    }
    cache->slots[cache->n++] = released->block;
}

static bool is_full(const struct heap_thread *thread)
{
    return thread->last - thread->first > THREAD_QUARANTINE - 4;
}

static bool may_leave(const struct heap_thread *thread, const struct quarantined *oldest)
{
    uint32_t now = atomic_load_explicit(&thread_grace, memory_order_acquire);
    return atomic_load_explicit(&thread_readers, memory_order_acquire) == 0 || now - oldest->grace >= 2 ||
           thread->held > HARD * thread_share || is_full(thread);
}

/* At most two blocks leave for one that enters, so that a backlog from a long grace period does not flood the lists.
 * Beyond the hard limit all excess blocks leave. */
void thread_release(struct heap_thread *thread)
{
    for (unsigned i = 0; is_full(thread) || thread->held > (i < 2 ? thread_share : HARD * thread_share);
         i++) {
        const struct quarantined *oldest = &thread->quarantine[thread->first % THREAD_QUARANTINE];
        if (!may_leave(thread, oldest))
            return;
        /* Fetches the block that leaves after the next one, and the memory of this one, ahead of their use. */
        __builtin_prefetch(thread->quarantine[(thread->first + 2) % THREAD_QUARANTINE].block);
        for (size_t at = 0; at < 192; at += 64)
            __builtin_prefetch(oldest->block->start + at);
        thread->held -= oldest->units;
        thread->first++;
        cache_put(thread, oldest);
    }
}
