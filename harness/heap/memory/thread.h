/* One thread's part of the heap: free slots, its quarantine, the blocks that it allocated last.
 *
 * Contract. A heap_thread is used by its thread alone. It is mapped at the thread's first heap call and never unmapped;
 * when its thread has ended, another thread takes it over with its contents. A heap call from a thread that has already
 * given up its state (a late destructor) takes one again.
 *
 * Order. A freed block enters the quarantine with the number of the current grace period. It leaves, oldest first, when
 * the quarantine holds more than its share and a grace period has passed: then no reader that saw the block live still
 * reads it. A grace period has passed when the number is two more (synchronize_rcu has returned in between), or when no
 * reader is inside a section: a compare-and-swap lies between the store that freed the block and the load of
 * thread_readers, so that a later reader finds the block freed. A block leaves earlier only beyond a hard limit, when a
 * reader gets no processor; that reader then finds another version and discards what it read.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "heap/memory/block.h"
#include "heap/site/site.h"
#include "heap/memory/size_class.h"

#define THREAD_CACHE 64        /* most free slots of a class */
#define THREAD_QUARANTINE 8192 /* blocks, a power of two */
#define THREAD_RECENT 4

struct quarantined {
    struct block *block;
    uint32_t grace;
    uint16_t class;
    uint16_t units; /* of 64 bytes */
};

/* A canary word behind one of the last blocks. */
struct recent {
    const uint64_t *tail;
    uint64_t pattern;
    struct block *block;
    uint32_t word;
};

struct class_cache {
    unsigned n, room;
    struct block **slots; /* THREAD_CACHE of them */
};

struct heap_thread {
    uint32_t sequence;
    unsigned next_recent;
    struct recent recent[THREAD_RECENT];
    uint32_t first, last; /* of the quarantine: first..last */
    uint32_t held;        /* units of 64 bytes in it */
    uint64_t allocations, frees;
    struct heap_thread *next;
    struct class_cache caches[CLASS_SLABS];
    struct quarantined quarantine[THREAD_QUARANTINE];
    struct site_cache sites;
    struct block *slots[CLASS_SLABS][THREAD_CACHE];
};

extern __thread struct heap_thread *heap_thread __attribute__((tls_model("initial-exec")));

/* The number of the current grace period. The checker adds 1 at the end of each. When it is two more than at some
 * moment, all readers of that moment are gone. */
extern _Atomic uint32_t thread_grace;
/* The number of readers in a read-side critical section: raised before rcu_read_lock, lowered after rcu_read_unlock. */
extern _Atomic uint32_t thread_readers;

/* Creates or takes over a state for the calling thread. Returns NULL without memory. */
struct heap_thread *thread_adopt(void);

/* Refills the cache of a class from the central list, and takes a slot. Returns NULL without memory. */
struct block *thread_refill(struct heap_thread *thread, unsigned class);
/* Moves blocks from a quarantine that holds more than its share to the cache. */
void thread_release(struct heap_thread *thread);

/* Sets the share of each quarantine in bytes. */
void thread_set_quarantine(size_t bytes);
extern uint32_t thread_share; /* units of 64 bytes */

static inline struct heap_thread *thread_self(void)
{
    struct heap_thread *self = heap_thread;
    return __builtin_expect(self != NULL, 1) ? self : thread_adopt();
}

static inline struct block *thread_take(struct heap_thread *thread, unsigned class)
{
    struct class_cache *cache = &thread->caches[class];
    return __builtin_expect(cache->n > 0, 1) ? cache->slots[--cache->n] : thread_refill(thread, class);
}

static inline void thread_quarantine(struct heap_thread *thread, struct block *block, unsigned class,
                                     size_t slot_size)
{
    uint16_t units = (uint16_t)((slot_size + 63) / 64);
    thread->quarantine[thread->last++ % THREAD_QUARANTINE] = (struct quarantined){
        block, atomic_load_explicit(&thread_grace, memory_order_relaxed), (uint16_t) class, units};
    thread->held += units;
    if (thread->held > thread_share || thread->last - thread->first > THREAD_QUARANTINE - 4)
        thread_release(thread);
}
