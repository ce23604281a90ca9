/* See pulse.h for the contract. */
#include "driver/job/pulse.h"

#include <dirent.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"

/* A driver that did not look for longer had no processor itself, or was stopped with the child. */
#define LOOK_MOST CLOCK_SECOND

void pulse_reset(struct pulse *pulse)
{
    pulse->looked_at = pulse->passed = pulse->counted = pulse->ran = pulse->disk = 0;
}

void pulse_clear(struct pulse *pulse)
{
    free(pulse->threads);
    *pulse = (struct pulse){0};
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void pulse_add(struct pulse *pulse, uint64_t passed, const struct pulse_sight *sights, size_t n,
               unsigned processors)
{
    uint64_t ran = 0, wanted = 0;
    bool reads = false;
    for (size_t i = 0; i < n; i++) {
        uint64_t on = least(sights[i].ran, passed);
        ran += on;
        /* The kernel adds a wait at its end only: a runnable thread is in one. */
        wanted += sights[i].state == 'R' ? passed : on + least(sights[i].waited, passed - on);
        reads |= sights[i].state == 'D';
    }
    uint64_t asleep = wanted < passed ? passed - wanted : 0, usable = least(wanted, passed * processors);
    double share = usable > 0 ? (double)least(ran, usable) / (double)usable : 1;
    pulse->passed += passed;
    pulse->ran += ran;
    pulse->disk += reads ? passed : 0;
    if (reads && pulse->disk < PULSE_DISK_MOST)
        asleep = 0;
    pulse->counted += asleep + (uint64_t)((double)least(wanted, passed) * share);
}

/* Reads state and times of a thread. Returns its state; 0: it has ended. */
static char read_thread(pid_t pid, struct pulse_thread *thread)
{
    cleanup_free char *stat = fd_read_task(pid, thread->tid, "stat");
    cleanup_free char *times = fd_read_task(pid, thread->tid, "schedstat");
    const char *at = stat ? strrchr(stat, ')') : NULL;
    unsigned long user, system;
    char state;
    if (!at ||
        sscanf(at + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &state, &user, &system) != 3)
        return 0;
    if (!times || sscanf(times, "%" SCNu64 " %" SCNu64, &thread->ran, &thread->waited) != 2 || !thread->ran)
        thread->ran = (user + system) * (CLOCK_SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
    return state;
}

/* Returns what a thread did since the last look; a new one, since its start. */
static struct pulse_sight compare(const struct pulse *pulse, const struct pulse_thread *now, char state)
{
    struct pulse_sight sight = {now->ran, now->waited, state};
    for (size_t i = 0; i < pulse->nthreads; i++)
        if (pulse->threads[i].tid == now->tid && pulse->threads[i].ran <= now->ran) {
            sight.ran -= pulse->threads[i].ran;
            sight.waited -= least(pulse->threads[i].waited, now->waited);
        }
    return sight;
}

/* Replaces the threads by those of now. Returns what each did; free it. */
static struct pulse_sight *replace_threads(struct pulse *pulse, pid_t pid, size_t *ret_n)
{
    char path[64];
    struct pulse old = *pulse;
    struct pulse_sight *sights = NULL;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    pulse->threads = NULL;
    pulse->nthreads = *ret_n = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        struct pulse_thread thread = {.tid = (pid_t)atol(entry->d_name)};
        char state = '\0';
        if (entry->d_name[0] != '.')
            state = read_thread(pid, &thread);
        struct pulse_sight *sight = state ? LIST_ADD(sights, *ret_n) : NULL;
        struct pulse_thread *added = sight ? LIST_ADD(pulse->threads, pulse->nthreads) : NULL;
        if (!added)
            continue;
        *added = thread;
        *sight = compare(&old, &thread, state);
    }
    if (folder)
        closedir(folder);
    free(old.threads);
    return sights;
}

static unsigned count_processors(pid_t pid)
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    int n = sched_getaffinity(pid, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed)
                                                                  : (int)sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

void pulse_look(struct pulse *pulse, pid_t pid, uint64_t now)
{
    size_t n;
    struct pulse_sight *sights = replace_threads(pulse, pid, &n);
    if (pulse->looked_at)
        pulse_add(pulse, least(now - pulse->looked_at, LOOK_MOST), sights, n, count_processors(pid));
    pulse->looked_at = now;
    free(sights);
}

char pulse_state(pid_t pid)
{
    return read_thread(pid, &(struct pulse_thread){.tid = pid});
}
