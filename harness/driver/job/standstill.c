/* See standstill.h for the contract. */
#include "driver/job/standstill.h"

#include <dirent.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "driver/symbol/symbol.h"

#define LOOKS_LEAST 3
#define LOOK_EVERY (20 * (CLOCK_SECOND / 1000))
#define TIME_LEAST (100 * (CLOCK_SECOND / 1000))
/* Two whole collections: begun and ended each. */
#define COLLECTIONS_LEAST 4
/* A thread that waits for the others to stop looks again each millisecond. */
#define TURNS_LEAST 30
/* Distance of that function from the innermost one. */
#define FRAMES_MOST 12
#define REFUTED_MOST 2
#define BIT(number) (UINT64_C(1) << ((number)-1))

enum standstill_wait standstill_wait_of(const char *stat, const char *call)
{
    const char *state = stat ? strrchr(stat, ')') : NULL;
    unsigned long long futex, operation, value, limit;
    long number;
    if (!state || strncmp(state, ") S", 3) != 0 || !call ||
        sscanf(call, "%ld %llx %llx %llx %llx", &number, &futex, &operation, &value, &limit) != 5)
        return STANDSTILL_OTHER;
    if (number == SYS_clock_nanosleep || number == SYS_nanosleep)
        return STANDSTILL_NAP;
    operation = (uint32_t)operation & ~(unsigned long long)FUTEX_CLOCK_REALTIME;
    if (number != SYS_futex || (operation != FUTEX_WAIT_PRIVATE && operation != FUTEX_WAIT_BITSET_PRIVATE))
        return STANDSTILL_OTHER;
    return limit == 0 ? STANDSTILL_ENDLESS : STANDSTILL_LIMITED;
}

void standstill_clear(struct standstill *standstill)
{
    free(standstill->sights);
    *standstill = (struct standstill){0};
}

static void begin(struct standstill *standstill, uint64_t now, struct standstill_sight *sights, size_t n,
                  struct standstill_helpers helpers)
{
    free(standstill->sights);
    *standstill = (struct standstill){.sights = sights,
                                      .nsights = n,
                                      .helpers = helpers,
                                      .began = now,
                                      .looked_at = now,
                                      .looks = 1,
                                      .refuted = standstill->refuted};
}

/* How often it got a processor since the first look. UINT64_MAX: it has started since. */
static uint64_t turns_since(const struct standstill *standstill, const struct standstill_sight *sight)
{
    for (size_t i = 0; i < standstill->nsights; i++)
        if (standstill->sights[i].tid == sight->tid && standstill->sights[i].turns <= sight->turns)
            return sight->turns - standstill->sights[i].turns;
    return UINT64_MAX;
}

static bool is_at_rest(const struct standstill *standstill, struct standstill_helpers now, pid_t tid)
{
    return tid == now.checker || (now.collections % 2 == 0 &&
                                  now.collections - standstill->helpers.collections >= COLLECTIONS_LEAST);
}

/* What one thread has done since the first look. */
enum verdict { FOR, AGAINST, LATER, STOPPING };

static enum verdict judge_thread(const struct standstill *standstill, const struct standstill_sight *sight,
                                 struct standstill_helpers helpers)
{
    bool helps = sight->tid == helpers.checker || sight->tid == helpers.collector;
    uint64_t turns = turns_since(standstill, sight);
    if (sight->wait == STANDSTILL_ENDLESS)
        return turns == 0 ? FOR : AGAINST;
    if (sight->wait == STANDSTILL_LIMITED && turns != UINT64_MAX)
        return turns >= TURNS_LEAST ? STOPPING : LATER;
    if (!helps || turns == UINT64_MAX)
        return AGAINST;
    return sight->wait == STANDSTILL_NAP && is_at_rest(standstill, helpers, sight->tid) ? FOR : LATER;
}

bool standstill_add(struct standstill *standstill, uint64_t now, struct standstill_sight *sights, size_t n,
                    struct standstill_helpers helpers, pid_t *ret_stopping)
{
    bool good = standstill->looks + 1 >= LOOKS_LEAST && now - standstill->began >= TIME_LEAST;
    bool same = n > 0 && n == standstill->nsights;
    *ret_stopping = 0;
    for (size_t i = 0; i < n && same; i++) {
        enum verdict verdict = judge_thread(standstill, &sights[i], helpers);
        same = verdict != AGAINST;
        good &= verdict != LATER && !(verdict == STOPPING && *ret_stopping);
        if (verdict == STOPPING)
            *ret_stopping = sights[i].tid;
    }
    if (!same) {
        begin(standstill, now, sights, n, helpers);
        return false;
    }
    free(sights);
    standstill->looks++;
    standstill->looked_at = now;
    return good;
}

static bool read_sight(pid_t pid, struct standstill_sight *sight)
{
    cleanup_free char *times = fd_read_task(pid, sight->tid, "schedstat");
    cleanup_free char *call = fd_read_task(pid, sight->tid, "syscall");
    cleanup_free char *stat = fd_read_task(pid, sight->tid, "stat");
    sight->wait = standstill_wait_of(stat, call);
    return times && sscanf(times, "%*u %*u %" SCNu64, &sight->turns) == 1 && sight->turns > 0;
}

/* Returns NULL where a thread cannot be read. */
static struct standstill_sight *read_sights(pid_t pid, size_t *ret_n)
{
    char path[64];
    struct standstill_sight *sights = NULL;
    bool whole = true;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    *ret_n = 0;
    for (struct dirent *entry; folder && whole && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        struct standstill_sight *sight = LIST_ADD(sights, *ret_n);
        if (sight)
            *sight = (struct standstill_sight){.tid = (pid_t)atol(entry->d_name)};
        whole = sight && read_sight(pid, sight);
    }
    if (folder)
        closedir(folder);
    if (whole)
        return sights;
    free(sights);
    *ret_n = 0;
    return NULL;
}

/* Does the process handle a signal that could come while all threads sleep? The other handlers are the harness's, of
 * faults, or Python's of SIGINT, which only sets a flag. */
static bool handles_signals(pid_t pid)
{
    const uint64_t harmless = BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGILL) | BIT(SIGFPE) | BIT(SIGTRAP) |
                              BIT(SIGSYS) | BIT(SIGABRT) | BIT(SIGINT) | BIT(SIGTERM) | BIT(SCENE_SIGNAL);
    cleanup_free char *status = fd_read_task(pid, pid, "status");
    const char *line = status ? strstr(status, "\nSigCgt:") : NULL;
    unsigned long long handled;
    /* The two signals below SIGRTMIN are glibc's. */
    return !line || sscanf(line, "\nSigCgt: %llx", &handled) != 1 ||
           handled & ~(harmless | BIT(SIGRTMIN - 1) | BIT(SIGRTMIN - 2));
}

static bool has_name(const struct symbol_frame *frame, const char *a, const char *b)
{
    return frame->function && (strstr(frame->function, a) || strstr(frame->function, b));
}

/* Does it sleep in the function that stops the other threads? Only a thread that is attached keeps it there. */
static bool waits_for_stop(pid_t pid, pid_t tid)
{
    struct symbol_thread *thread;
    size_t n;
    bool waits = false, stops = false;
    if (symbols_threads(pid, &tid, 1, &thread, &n) < 0)
        return false;
    const struct symbol_stack *stack = n > 0 ? &thread->stack : &(struct symbol_stack){0};
    for (size_t i = 0; i < stack->nframes && i < FRAMES_MOST && !stops; i++) {
        stops = waits && has_name(&stack->frames[i], "stop_the_world", "StopTheWorld");
        waits |= has_name(&stack->frames[i], "PyEvent_Wait", "ParkingLot_Park");
    }
    symbol_threads_free(thread, n);
    return stops;
}

/* Adds a look at the process as it is. */
static bool look(struct standstill *standstill, pid_t pid, const struct board *board, uint64_t now,
                 pid_t *ret_stopping)
{
    size_t n;
    struct standstill_helpers helpers = {.checker = atomic_load(&board->checker),
                                         .collector = atomic_load(&board->collector),
                                         .collections = atomic_load(&board->collections)};
    struct standstill_sight *sights = read_sights(pid, &n);
    return standstill_add(standstill, now, sights, n, helpers, ret_stopping);
}

bool standstill_look(struct standstill *standstill, pid_t pid, const struct board *board, uint64_t now)
{
    pid_t stopping, again;
    if (now - standstill->looked_at < LOOK_EVERY || !look(standstill, pid, board, now, &stopping) ||
        handles_signals(pid))
        return false;
    if (!stopping)
        return true;
    if (standstill->refuted == REFUTED_MOST)
        return false;
    /* The stack counts if no other thread ran until it was read. */
    if (waits_for_stop(pid, stopping) && look(standstill, pid, board, now, &again))
        return true;
    begin(standstill, now, NULL, 0, (struct standstill_helpers){0});
    standstill->refuted++;
    return false;
}
