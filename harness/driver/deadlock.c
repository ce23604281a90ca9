#include "driver/deadlock.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const struct deadlock_wait *deadlock_find(const struct deadlock_wait *waits, size_t n, pid_t tid)
{
    for (size_t i = 0; i < n; i++)
        if (waits[i].tid == tid)
            return &waits[i];
    return NULL;
}

/* Every thread waits for one lock at most: from each there is one way, which ends or runs in a circle. */
size_t deadlock_find_cycle(const struct deadlock_wait *waits, size_t n, size_t *ret_cycle)
{
    for (size_t start = 0; start < n; start++) {
        const struct deadlock_wait *at = &waits[start];
        size_t length = 0;
        while (at && length < n) {
            ret_cycle[length++] = (size_t)(at - waits);
            at = at->holder ? deadlock_find(waits, n, at->holder) : NULL;
            if (at == &waits[start])
                return length;
        }
    }
    return 0;
}

void deadlock_say_thread(pid_t tid, int worker, char *text, size_t size)
{
    if (worker >= 0)
        snprintf(text, size, "thread %d", worker);
    else
        snprintf(text, size, "the thread with the id %d", (int)tid);
}

static void say_lock(const struct deadlock_wait *wait, char *text, size_t size)
{
    if (wait->where[0])
        snprintf(text, size, "the %s at %#" PRIx64 " (%s)", wait->what, wait->lock, wait->where);
    else
        snprintf(text, size, "the %s at %#" PRIx64, wait->what, wait->lock);
}

/* What the thread before in the circle waits for is what this one holds. */
void deadlock_say_cycle(const struct deadlock_wait *waits, const size_t *cycle, size_t n, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < n && used < size; i++) {
        const struct deadlock_wait *wait = &waits[cycle[i]], *before = &waits[cycle[(i + n - 1) % n]];
        char thread[64], held[288], wanted[288];
        deadlock_say_thread(wait->tid, wait->worker, thread, sizeof thread);
        say_lock(before, held, sizeof held);
        say_lock(wait, wanted, sizeof wanted);
        used += (size_t)snprintf(text + used, size - used, "%s%s holds %s and waits for %s", i ? "; " : "",
                                 thread, held, n == 1 ? "it again" : wanted);
    }
}

void deadlock_say_wait(const struct deadlock_wait *wait, const char *holder, char *text, size_t size)
{
    char thread[64], lock[288];
    deadlock_say_thread(wait->tid, wait->worker, thread, sizeof thread);
    say_lock(wait, lock, sizeof lock);
    snprintf(text, size, "%s waits%s%s for %s%s%s", thread, wait->function[0] ? " in " : "", wait->function, lock,
             holder ? ", held by " : ", which does not say who holds it", holder ? holder : "");
}

static bool is_seen(const struct deadlock_wait *waits, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (waits[k].lock == waits[i].lock)
            return true;
    return false;
}

size_t deadlock_count_unheld(const struct deadlock_wait *waits, size_t n)
{
    size_t locks = 0;
    for (size_t i = 0; i < n; i++)
        locks += !waits[i].holder && !is_seen(waits, i);
    return locks;
}
