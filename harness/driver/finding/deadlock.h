/* Who waits for which lock, held by whom. Driver; pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct deadlock_wait {
    pid_t tid;
    int worker;         /* number of the thread; -1: it is none of ours */
    uint64_t lock;      /* address */
    char what[40];      /* "pthread mutex", "PyMutex", "futex" */
    bool is_lock;       /* one thread at a time holds it; not so a condition variable */
    char variable[192]; /* "a in libfoo.so", or "" */
    char where[256];    /* "0 bytes into a block of 96 bytes", or "" */
    char function[96];  /* innermost of a package, where it waits; or "" */
    pid_t holder;       /* 0: the lock does not say */
};

/* The first cycle of threads each of which waits for a lock that the next one holds: indexes into waits. Room for n.
 * Returns how many; 0: there is none, or a holder is not known. */
size_t deadlock_find_cycle(const struct deadlock_wait *waits, size_t n, size_t *ret_cycle);

/* The one that the thread is, or NULL. */
const struct deadlock_wait *deadlock_find(const struct deadlock_wait *waits, size_t n, pid_t tid);

/* "thread 1 holds the pthread mutex a in x.so and waits for …; thread 0 holds … and waits for …". */
void deadlock_say_cycle(const struct deadlock_wait *waits, const size_t *cycle, size_t n, char *text,
                        size_t size);

/* "threads 1, 4 and 5 wait in f for the PyMutex at 0x… (where), which does not say who holds it": of all that wait as
 * the i-th does. Empty when an earlier one does. holder: the name of the thread that holds it, or NULL. */
void deadlock_say_waits(const struct deadlock_wait *waits, size_t n, size_t i, const char *holder, char *text,
                        size_t size);

/* "PyMutex at 0x…", "pthread mutex a": what is told of the lock elsewhere says where it lies. */
void deadlock_name_lock(const struct deadlock_wait *wait, char *text, size_t size);

/* "thread 3", or "the thread with the id 4711" where it is none of ours. */
void deadlock_say_thread(pid_t tid, int worker, char *text, size_t size);

/* How many different locks the threads wait for when no lock says who holds it; 0 where one does, or where one waits
 * for what is no lock. */
size_t deadlock_count_unheld(const struct deadlock_wait *waits, size_t n);
