/* The locks of the heap, in the order in which one may be taken under another. Any thread; no heap call under one. */
#pragma once

#include <pthread.h>

#include "heap/memory/size_class.h"

enum heap_lock_rank {
    LOCK_THREADS, /* states without a thread */
    LOCK_LARGE,
    LOCK_PAGES,
    LOCK_CLASSES, /* one for each class of slots */
    LOCK_REGION = LOCK_CLASSES + CLASS_SLABS,
    LOCKS
};

struct heap_lock {
    _Alignas(64) pthread_mutex_t mutex;
};
extern struct heap_lock heap_locks[LOCKS];

static inline void heap_lock(unsigned rank)
{
    pthread_mutex_lock(&heap_locks[rank].mutex);
}

static inline void heap_unlock(unsigned rank)
{
    pthread_mutex_unlock(&heap_locks[rank].mutex);
}

/* Around fork: the child has the forking thread alone, so no other thread may hold a lock. */
void heap_lock_all(void);
void heap_unlock_all(void);
