/* Who waits for which lock, held by whom. Driver; pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct deadlock_wait {
    pid_t tid;
    int worker;         /* number of the worker; -1: not a worker */
    uint64_t lock;      /* address; 0: of no interest */
    char what[40];      /* "pthread mutex", "PyMutex", "futex" */
    bool is_python;     /* Python code takes it */
    bool is_stop;       /* for a collection, not for a lock: it collects, or is stopped */
    bool is_lock;       /* one thread at a time holds it, unlike a condition variable */
    char variable[192]; /* "a in libfoo.so", or "" */
    char where[256];    /* "0 bytes into a block of 96 bytes", or "" */
    char function[96];  /* innermost of a package, where it waits; or "" */
    pid_t holder;       /* 0: the lock does not say */
};

/* Finds the first cycle of threads in which each waits for a lock of the next. `cycle` gets indexes into waits and has
 * room for n. Returns their number; 0 for no cycle, or where a holder is not known. */
size_t deadlock_find_cycle(const struct deadlock_wait *waits, size_t n, size_t *ret_cycle);

/* Returns the wait of the thread, or NULL. */
const struct deadlock_wait *deadlock_find(const struct deadlock_wait *waits, size_t n, pid_t tid);

/* "thread 1 holds the pthread mutex a in x.so and waits for …; thread 0 holds … and waits for …". */
void deadlock_say_cycle(const struct deadlock_wait *waits, const size_t *cycle, size_t n, char *text,
                        size_t size);

/* Where threads of the first `locked` waits wait for one lock and all others are stopped for a collection: "threads 1
 * and 4 wait attached for the pthread mutex …, and hold up the collection that stopped its holder, thread 3". Else
 * empty. */
void deadlock_say_stop(const struct deadlock_wait *waits, size_t n, size_t locked, char *text, size_t size);

/* "threads 1, 4 and 5 wait in f for the PyMutex at 0x… (where), which does not say who holds it": of all that wait as
 * the i-th does. Empty when an earlier one does. holder: the name of the thread that holds it, or NULL. */
void deadlock_say_waits(const struct deadlock_wait *waits, size_t n, size_t i, const char *holder, char *text,
                        size_t size);

/* Writes "PyMutex at 0x…" or "pthread mutex a". */
void deadlock_name_lock(const struct deadlock_wait *wait, char *text, size_t size);

/* Writes "thread 3", or "the thread with the id 4711" for other threads than workers. */
void deadlock_say_thread(pid_t tid, int worker, char *text, size_t size);

/* Returns the number of different locks that the threads wait for; 0 where the holder of one is known, or a thread
 * waits for something else. */
size_t deadlock_count_unheld(const struct deadlock_wait *waits, size_t n);
