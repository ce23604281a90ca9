#include "driver/finding/deadlock.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

const struct deadlock_wait *deadlock_find(const struct deadlock_wait *waits, size_t n, pid_t tid)
{
    for (size_t i = 0; i < n; i++)
        if (waits[i].tid == tid)
            return &waits[i];
    return NULL;
}

/* Follows each thread to the holder of its lock: the way ends or runs in a circle, since a thread waits for one lock
 * at most. */
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

void deadlock_name_lock(const struct deadlock_wait *wait, char *text, size_t size)
{
    const char *file = strstr(wait->variable, " in ");
    if (file)
        snprintf(text, size, "%s %.*s", wait->what, (int)(file - wait->variable), wait->variable);
    else if (!wait->lock)
        snprintf(text, size, "%s", wait->what);
    else
        snprintf(text, size, "%s at %#" PRIx64, wait->what, wait->lock);
}

/* Each thread of the circle holds the lock that the one before it waits for. */
void deadlock_say_cycle(const struct deadlock_wait *waits, const size_t *cycle, size_t n, char *text,
                        size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        const struct deadlock_wait *wait = &waits[cycle[i]], *before = &waits[cycle[(i + n - 1) % n]];
        char thread[64], held[256], wanted[256];
        deadlock_say_thread(wait->tid, wait->worker, thread, sizeof thread);
        deadlock_name_lock(before, held, sizeof held);
        deadlock_name_lock(wait, wanted, sizeof wanted);
        text_add(text, size, "; ", "%s holds the %s and waits for %s%s", thread, held, n == 1 ? "" : "the ",
                 n == 1 ? "it again" : wanted);
    }
}

static bool is_alike(const struct deadlock_wait *one, const struct deadlock_wait *other)
{
    return one->lock == other->lock && one->holder == other->holder &&
           strcmp(one->function, other->function) == 0;
}

/* Writes "thread 1" or "threads 1, 4 and 5". Returns their number. */
static size_t say_threads(const struct deadlock_wait *waits, size_t n, size_t i, char *text, size_t size)
{
    size_t alike = 0, left;
    for (size_t k = i; k < n; k++)
        alike += is_alike(&waits[k], &waits[i]);
    text[0] = '\0';
    left = alike;
    for (size_t k = i; k < n; k++) {
        char name[64];
        if (!is_alike(&waits[k], &waits[i]))
            continue;
        if (alike > 1 && waits[k].worker >= 0)
            snprintf(name, sizeof name, "%s%d", left == alike ? "threads " : "", waits[k].worker);
        else
            deadlock_say_thread(waits[k].tid, waits[k].worker, name, sizeof name);
        text_add(text, size, left-- == 1 ? " and " : ", ", "%s", name);
    }
    return alike;
}

void deadlock_say_stop(const struct deadlock_wait *waits, size_t n, size_t locked, char *text, size_t size)
{
    char threads[512], lock[256], holder[64];
    const struct deadlock_wait *held = locked ? deadlock_find(waits, n, waits[0].holder) : NULL;
    text[0] = '\0';
    if (locked == 0 || locked == n || say_threads(waits, n, 0, threads, sizeof threads) != locked ||
        (waits[0].holder && !(held && held->is_stop)))
        return;
    deadlock_name_lock(&waits[0], lock, sizeof lock);
    if (held)
        deadlock_say_thread(held->tid, held->worker, holder, sizeof holder);
    snprintf(text, size, "%s wait%s attached for the %s, and hold%s up the collection that stopped %s%s",
             threads, locked > 1 ? "" : "s", lock, locked > 1 ? "" : "s",
             held ? "its holder, " : "the others", held ? holder : "");
}

void deadlock_say_waits(const struct deadlock_wait *waits, size_t n, size_t i, const char *holder, char *text,
                        size_t size)
{
    const struct deadlock_wait *wait = &waits[i];
    char threads[512], lock[352];
    text[0] = '\0';
    for (size_t k = 0; k < i; k++)
        if (is_alike(&waits[k], wait))
            return;
    bool many = say_threads(waits, n, i, threads, sizeof threads) > 1;
    if (wait->variable[0])
        snprintf(lock, sizeof lock, "%s %s", wait->what, wait->variable);
    else if (!wait->lock)
        deadlock_name_lock(wait, lock, sizeof lock);
    else
        snprintf(lock, sizeof lock, "%s at %#" PRIx64 "%s%s%s", wait->what, wait->lock,
                 wait->where[0] ? " (" : "", wait->where, wait->where[0] ? ")" : "");
    snprintf(text, size, "%s wait%s%s%s for the %s%s%s", threads, many ? "" : "s",
             wait->function[0] ? " in " : "", wait->function, lock,
             holder          ? ", held by "
             : wait->is_lock ? ", which does not say who holds it"
                             : "",
             holder ? holder : "");
}

size_t deadlock_count_unheld(const struct deadlock_wait *waits, size_t n)
{
    size_t locks = 0;
    for (size_t i = 0; i < n; i++) {
        if (waits[i].holder || !waits[i].is_lock)
            return 0;
        size_t first = 0;
        while (waits[first].lock != waits[i].lock)
            first++;
        locks += first == i;
    }
    return locks;
}
