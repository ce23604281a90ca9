/* What one thread keeps of the heap: free slots, its quarantine, the blocks that it made last.
 *
 * Contract. A heap_thread is touched by its thread alone. It is mapped at the thread's first heap call, never
 * unmapped, and taken over, with what it holds, by a later thread when its own has ended. A heap call from a thread
 * whose state has been given up (a late destructor) takes one again.
 *
 * Order. A freed block goes into the quarantine with the number of the grace period of that moment, and out of it,
 * oldest first, when the quarantine holds more than its share and a grace period has passed: no reader that saw the
 * block live is still looking at it then. One has passed when the number is two more (synchronize_rcu has returned in
 * between), or when no reader is inside a section now: a compare-and-swap lies between the store that freed the block
 * and the look at thread_readers, so that a reader that comes later finds it freed. Only past a hard limit, where a
 * reader does not get the processor, does a block leave earlier; readers then find another version and discard what
 * they saw.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "heap/memory/block.h"
#include "heap/site/site.h"
#include "heap/memory/size_class.h"

#define THREAD_CACHE 64        /* free slots of a class, at most */
#define THREAD_QUARANTINE 8192 /* blocks, a power of two */
#define THREAD_RECENT 4

struct quarantined {
    struct block *block;
    uint32_t grace;
    uint16_t class;
    uint16_t units; /* of 64 bytes */
};

/* A canary word behind a block that was made a moment ago. */
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

/* The number of the current grace period: the checker raises it each time one is over. Two more than at a certain
 * moment: every reader of that moment is gone. */
extern _Atomic uint32_t thread_grace;
/* Readers inside a read-side critical section: raised before rcu_read_lock, lowered behind rcu_read_unlock. */
extern _Atomic uint32_t thread_readers;

/* Makes or takes over a state for the calling thread. Returns NULL without memory. */
struct heap_thread *thread_adopt(void);

/* A free slot of the class, from the thread's own, or from the central list. Returns NULL without memory. */
struct block *thread_refill(struct heap_thread *thread, unsigned class);
/* Takes blocks out of a quarantine that holds more than its share. */
void thread_release(struct heap_thread *thread);

/* Bytes that each quarantine may hold. */
void thread_set_quarantine(size_t bytes);
extern uint32_t thread_share; /* of 64 bytes */

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

void thread_lock(void);
void thread_unlock(void);
