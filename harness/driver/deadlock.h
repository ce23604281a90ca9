/* Who waits for which lock, held by whom. Driver; pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct deadlock_wait {
    pid_t tid;
    int worker;    /* number of the thread; -1: it is none of ours */
    uint64_t lock; /* address */
    char what[40]; /* "pthread mutex", "PyMutex", "futex" */
    char where[192]; /* "a in libfoo.so", "0 bytes into a block of 96 bytes", or "" */
    char function[96]; /* innermost of a package, where it waits; or "" */
    pid_t holder;      /* 0: the lock does not say */
};

/* The first cycle of threads each of which waits for a lock that the next one holds: indexes into waits. Room for n.
 * Returns how many; 0: there is none, or a holder is not known. */
size_t deadlock_find_cycle(const struct deadlock_wait *waits, size_t n, size_t *ret_cycle);

/* The one that the thread is, or NULL. */
const struct deadlock_wait *deadlock_find(const struct deadlock_wait *waits, size_t n, pid_t tid);

/* "thread 1 holds the pthread mutex a in x.so and waits for …; thread 0 holds … and waits for …". */
void deadlock_say_cycle(const struct deadlock_wait *waits, const size_t *cycle, size_t n, char *text, size_t size);

/* "thread 1 waits in f for the PyMutex at 0x… (where), which does not say who holds it". A person reads `holder`, the
 * name of the thread that holds it, or NULL. */
void deadlock_say_wait(const struct deadlock_wait *wait, const char *holder, char *text, size_t size);

/* "thread 3", or "the thread with the id 4711" where it is none of ours. */
void deadlock_say_thread(pid_t tid, int worker, char *text, size_t size);

/* How many different locks the threads wait for whose holder is not known. */
size_t deadlock_count_unheld(const struct deadlock_wait *waits, size_t n);
