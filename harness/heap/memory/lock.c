#include "heap/memory/lock.h"

struct heap_lock heap_locks[LOCKS] = {[0 ... LOCKS - 1] = {PTHREAD_MUTEX_INITIALIZER}};

void heap_lock_all(void)
{
    for (unsigned rank = 0; rank < LOCKS; rank++)
        heap_lock(rank);
}

void heap_unlock_all(void)
{
    for (unsigned rank = LOCKS; rank-- > 0;)
        heap_unlock(rank);
}
