/* Finds the locks that sleeping threads wait for. */
#include "driver/judge/judge_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/landmarks.h"
#include "driver/outcome/package.h"

/* Distance from the futex of the function that names the lock at most, and the frames between two such functions. */
#define FRAMES_MOST 16
#define GAP 2

enum place { AT_FUTEX, PARKED };
/* PYTHON_LOCK: Python code takes it; OWNED: it stores its holder, as glibc does 8 bytes behind a mutex; STOP: of a
 * collection, in the thread that collects or in one that it stops. */
enum hold { EVENT, LOCK, PYTHON_LOCK, OWNED, STOP };

/* Parts of functions' names. An outer function names the lock better than the one that it calls. */
static const struct kind {
    const char *function;
    const char *what;
    enum place place;
    enum hold hold;
} kinds[] = {
    {"pthread_mutex_", "pthread mutex", AT_FUTEX, OWNED},
    {"pthread_rwlock_", "pthread reader-writer lock", AT_FUTEX, LOCK},
    {"pthread_cond_", "pthread condition variable", AT_FUTEX, EVENT},
    {"pthread_barrier_", "pthread barrier", AT_FUTEX, EVENT},
    {"pthread_once", "one-time initialisation", AT_FUTEX, EVENT},
    {"pthread_join", "end of a thread", AT_FUTEX, EVENT},
    {"__cxa_guard_acquire", "initialisation of a static variable", AT_FUTEX, EVENT},
    {"sem_wait", "semaphore", AT_FUTEX, EVENT},
    {"sem_clockwait", "semaphore", AT_FUTEX, EVENT},
    {"sem_timedwait", "semaphore", AT_FUTEX, EVENT},
    {"_PySemaphore_", "semaphore", AT_FUTEX, EVENT},
    {"PyThread_acquire_lock", "lock of Python code", AT_FUTEX, PYTHON_LOCK},
    {"take_gil", "GIL", AT_FUTEX, LOCK},
    {"_PyParkingLot_Park", "lock of CPython's", PARKED, EVENT},
    {"PyMutex_Lock", "PyMutex", PARKED, LOCK},
    {"_PyRecursiveMutex_Lock", "recursive PyMutex", PARKED, LOCK},
    {"_PyRWMutex_", "reader-writer lock of CPython's", PARKED, LOCK},
    {"PyEvent_Wait", "event of CPython's", PARKED, EVENT},
    {"_PyOnceFlag_", "one-time initialisation", PARKED, EVENT},
    {"CriticalSection", "critical section (PyMutex)", PARKED, LOCK},
    {"tstate_wait_attach", "stop of the world to end", PARKED, STOP},
    {"stop_the_world", "other threads to stop", PARKED, STOP},
};
#define KINDS (sizeof kinds / sizeof *kinds)
static const struct kind plain_futex = {"", "futex", AT_FUTEX, EVENT};

/* *ret_parked: it sleeps in the parking lot. */
static const struct kind *kind_of(const struct symbol_stack *stack, bool *ret_parked)
{
    const struct kind *found = NULL;
    size_t at = 0;
    *ret_parked = false;
    for (size_t i = 0; i < stack->nframes && i < FRAMES_MOST && (!found || i - at <= GAP + 1); i++) {
        const char *function = stack->frames[i].function;
        size_t k = 0;
        while (function && k < KINDS && !strstr(function, kinds[k].function))
            k++;
        if (!function || k == KINDS)
            continue;
        found = &kinds[k];
        *ret_parked |= kinds[k].place == PARKED;
        at = i;
    }
    return found ? found : &plain_futex;
}

static const struct symbol_thread *find_thread(const struct judge *judge, int64_t tid)
{
    for (size_t i = 0; i < judge->outcome->nthreads; i++)
        if (judge->outcome->threads[i].tid == tid)
            return &judge->outcome->threads[i];
    return NULL;
}

/* Returns true for threads that wait in a statement, not between rounds; idle threads of a pool wait for work. */
static bool is_stuck(const struct judge *judge, const struct symbol_thread *thread,
                     const struct scene_page *page)
{
    return (judge_is_worker(judge, thread) || (page && page->npython > 0)) && !judge_is_between(thread);
}

/* Finds the variable of the lock, or the block that the guard knows. */
static void find_place(struct judge *judge, const struct scene_page *page, struct deadlock_wait *wait)
{
    char *variable = NULL;
    if (page && page->has_block && wait->lock - page->block.address < page->block.size)
        judge_say_block(judge, &page->block, wait->where, sizeof wait->where);
    else if (judge_symbols(judge) && symbols_variable(judge->symbols, wait->lock, &variable) == 0)
        snprintf(wait->variable, sizeof wait->variable, "%s", variable);
    free(variable);
}

static void add_wait(struct judge *judge, struct finding *finding, const struct outcome_sleeper *sleeper,
                     const struct symbol_thread *thread)
{
    const struct scene_page *page = outcome_page(judge->outcome, sleeper->tid);
    bool parked;
    const struct kind *kind = kind_of(&thread->stack, &parked);
    const struct symbol_frame *frame = package_frame(judge->outcome, &thread->stack, NULL, 0);
    const char *function = frame                       ? frame->function
                           : page && page->npython > 1 ? page->python[0].function
                                                       : NULL;
    struct deadlock_wait *wait = &finding->waits[finding->nwaits++];
    *wait = (struct deadlock_wait){.tid = sleeper->tid,
                                   .worker = page && page->is_worker ? page->worker : -1,
                                   .lock = parked && page && page->parked ? page->parked : sleeper->futex};
    snprintf(wait->what, sizeof wait->what, "%s", kind->what);
    snprintf(wait->function, sizeof wait->function, "%s", function ? function : "");
    wait->is_stop = kind->hold == STOP;
    if (wait->is_stop)
        wait->lock = 0;
    wait->is_lock = kind->hold != EVENT && kind->hold != STOP;
    wait->is_python = kind->hold == PYTHON_LOCK;
    if (kind->hold == OWNED && sleeper->words[0] && find_thread(judge, sleeper->words[2]))
        wait->holder = sleeper->words[2];
    find_place(judge, page, wait);
}

static void collect(struct judge *judge, struct finding *finding)
{
    const struct outcome *outcome = judge->outcome;
    finding->waits = calloc(outcome->nsleepers + 1, sizeof *finding->waits);
    for (size_t i = 0; finding->waits && i < outcome->nsleepers; i++) {
        const struct outcome_sleeper *sleeper = &outcome->sleepers[i];
        const struct symbol_thread *thread = find_thread(judge, sleeper->tid);
        if (thread && is_stuck(judge, thread, outcome_page(outcome, sleeper->tid)))
            add_wait(judge, finding, sleeper, thread);
    }
}

/* Orders waits by what does not depend on threads: functions of packages come first. */
static int compare_waits(const void *a, const void *b)
{
    const struct deadlock_wait *one = a, *other = b;
    if (!one->function[0] != !other->function[0])
        return one->function[0] ? -1 : 1;
    int order = strcmp(one->function, other->function);
    return order ? order : one->tid < other->tid ? -1 : one->tid > other->tid;
}

/* A deadlock has the same first function, and so the same signature, whichever thread came first. */
static void rotate(const struct finding *finding, size_t *cycle, size_t n)
{
    size_t first = 0;
    for (size_t i = 1; i < n; i++)
        if (compare_waits(&finding->waits[cycle[i]], &finding->waits[cycle[first]]) < 0)
            first = i;
    for (; first > 0; first--) {
        size_t moved = cycle[0];
        memmove(cycle, cycle + 1, (n - 1) * sizeof *cycle);
        cycle[n - 1] = moved;
    }
}

/* Moves the members of the cycle to the front, in its order. Each index lies behind those moved before. */
static void move_to_front(struct finding *finding, size_t *cycle, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct deadlock_wait member = finding->waits[cycle[i]];
        memmove(&finding->waits[i + 1], &finding->waits[i], (cycle[i] - i) * sizeof member);
        finding->waits[i] = member;
        for (size_t k = i + 1; k < n; k++)
            cycle[k] += cycle[k] < cycle[i];
        cycle[i] = i;
    }
}

/* Moves the threads that are stopped for a collection behind the others. Returns the number of the others. */
static size_t move_stopped(struct finding *finding)
{
    size_t n = 0;
    for (size_t i = 0; i < finding->nwaits; i++) {
        struct deadlock_wait wait = finding->waits[i];
        if (wait.is_stop)
            continue;
        memmove(&finding->waits[n + 1], &finding->waits[n], (i - n) * sizeof wait);
        finding->waits[n++] = wait;
    }
    return n;
}

/* Does a thread wait for the others to stop? It does not end while one of them is attached and waits. */
static bool is_stopping(const struct judge *judge)
{
    for (size_t i = 0; i < judge->outcome->nthreads; i++)
        for (size_t k = 0; k < judge->outcome->threads[i].stack.nframes; k++) {
            const char *function = judge->outcome->threads[i].stack.frames[k].function;
            if (function && (strstr(function, "stop_the_world") || strstr(function, "StopTheWorld")))
                return true;
        }
    return false;
}

static void explain(const struct judge *judge, struct finding *finding)
{
    for (size_t i = 0; i < finding->nwaits; i++) {
        const struct deadlock_wait *wait = &finding->waits[i];
        const struct scene_page *holder = outcome_page(judge->outcome, wait->holder);
        char name[64], text[1024];
        deadlock_say_thread(wait->holder, holder && holder->is_worker ? holder->worker : -1, name,
                            sizeof name);
        deadlock_say_waits(finding->waits, finding->nwaits, i, wait->holder ? name : NULL, text, sizeof text);
        if (text[0])
            finding_add_line(finding, strdup(text));
    }
}

static bool all_wait(const struct judge *judge, const struct finding *finding)
{
    for (size_t i = 0; i < judge->outcome->nthreads; i++) {
        const struct symbol_thread *thread = &judge->outcome->threads[i];
        if (is_stuck(judge, thread, outcome_page(judge->outcome, thread->tid)) &&
            !deadlock_find(finding->waits, finding->nwaits, thread->tid))
            return false;
    }
    return true;
}

/* Where all stuck threads wait for one of two locks, and no thread waits for a lock that it holds, each lock is held
 * by a thread that waits for the other; unless a thread ended with it. */
static bool are_two_locks(const struct finding *finding)
{
    return !finding->is_endless && deadlock_count_unheld(finding->waits, finding->nwaits) == 2;
}

char *judge_waits(struct judge *judge, struct finding *finding)
{
    char text[1024] = "";
    collect(judge, finding);
    size_t *cycle = calloc(finding->nwaits + 1, sizeof *cycle);
    size_t n = cycle ? deadlock_find_cycle(finding->waits, finding->nwaits, cycle) : 0;
    if (n > 0) {
        rotate(finding, cycle, n);
        move_to_front(finding, cycle, n);
        deadlock_say_cycle(finding->waits, cycle, n, text, sizeof text);
    }
    free(cycle);
    size_t locked = n > 0 ? 0 : move_stopped(finding);
    if (n == 0 && is_stopping(judge))
        deadlock_say_stop(finding->waits, finding->nwaits, locked, text, sizeof text);
    finding->is_endless = n == 0 && !all_wait(judge, finding);
    if (n == 0 && are_two_locks(finding))
        qsort(finding->waits, finding->nwaits, sizeof *finding->waits, compare_waits);
    explain(judge, finding);
    if (text[0])
        return judge_format("a deadlock: %s", text);
    return are_two_locks(finding)
               ? strdup("a deadlock: most likely two locks, each held by a thread that waits for the other")
               : NULL;
}

/* Leaves out the standard library: its callers misuse its locks. */
static const struct scene_python *users_frame(const struct judge *judge, const struct scene_page *page)
{
    for (uint32_t i = 0; page && i < page->npython; i++) {
        const char *file = page->python[i].file;
        if (*file && package_python_owner(judge->outcome, file, NULL, 0) != OWNER_INTERPRETER)
            return &page->python[i];
    }
    return NULL;
}

/* Returns true where the innermost function runs Python code, or is in a system call. */
static bool is_busy(struct judge *judge, const struct symbol_stack *stack)
{
    for (size_t i = 0; i < stack->nframes; i++) {
        const struct symbol_frame *frame = &stack->frames[i];
        enum owner owner = package_frame_owner(judge->outcome, frame, NULL, 0);
        if (owner == OWNER_SYSTEM)
            return judge_symbols(judge) && symbols_is_call(judge->symbols, frame->address);
        if (!frame->is_inline)
            return judge_runs_python(frame, owner);
    }
    return false;
}

void judge_suspect_code(struct judge *judge, struct finding *finding, const struct scene_page *page,
                        enum evidence_by by)
{
    const struct scene_python *frame = users_frame(judge, page);
    char package[128];
    bool owned =
        frame && package_owner(judge->outcome, frame->file, package, sizeof package) == OWNER_PACKAGE;
    evidence_set(&finding->evidence, by, BLAME_TARGET, frame ? strdup(frame->function) : NULL,
                 owned ? judge_name_package(judge, frame->file, package) : NULL);
}

bool judge_suspect_python(struct judge *judge, struct finding *finding, const struct symbol_thread *thread)
{
    const struct scene_page *page = outcome_page(judge->outcome, thread->tid);
    const struct deadlock_wait *wait = deadlock_find(finding->waits, finding->nwaits, thread->tid);
    bool parked, in_lock = kind_of(&thread->stack, &parked) != &plain_futex;
    if (!page || page->npython == 0 || package_frame(judge->outcome, &thread->stack, NULL, 0) ||
        (wait ? !wait->is_python
              : in_lock || !is_stuck(judge, thread, page) || !is_busy(judge, &thread->stack)))
        return false;
    const struct scene_python *outermost = &page->python[page->npython - 1];
    judge_suspect_code(judge, finding, page, wait ? EVIDENCE_PYTHON : EVIDENCE_STAY);
    if (!wait && !finding->statement && !*outermost->file)
        finding->statement = strdup(outermost->function);
    return true;
}
