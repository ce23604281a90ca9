/* See look.h for the contract. */
#include "driver/job/look.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/peek.h"
#include "core/wire/landmarks.h"

/* For the threads to write their pages. */
#define ANSWER_TIME (2 * CLOCK_SECOND)
#define NAP_NS 500000

struct tasks {
    pid_t tids[SCENE_PAGES];
    size_t n;
};

static void list_tasks(pid_t pid, struct tasks *tasks)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    tasks->n = 0;
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder)) && tasks->n < SCENE_PAGES;)
        if (entry->d_name[0] != '.')
            tasks->tids[tasks->n++] = (pid_t)atol(entry->d_name);
    closedir(folder);
}

/* Must come before the request to the threads: its signal interrupts their system calls. */
static void find_sleepers(pid_t pid, const struct tasks *tasks, struct outcome *outcome)
{
    outcome->sleepers = calloc(tasks->n + 1, sizeof *outcome->sleepers);
    for (size_t i = 0; outcome->sleepers && i < tasks->n; i++) {
        cleanup_free char *call = fd_read_task(pid, tasks->tids[i], "syscall");
        unsigned long long futex;
        long number;
        if (!call || sscanf(call, "%ld %llx", &number, &futex) != 2 || number != SYS_futex)
            continue;
        struct outcome_sleeper *sleeper = &outcome->sleepers[outcome->nsleepers++];
        *sleeper = (struct outcome_sleeper){.tid = tasks->tids[i], .futex = futex};
        if (!peek(pid, futex, sleeper->words, sizeof sleeper->words))
            memset(sleeper->words, 0, sizeof sleeper->words);
    }
}

/* Does the thread leave the signal unblocked? */
static bool takes_signal(pid_t pid, pid_t tid)
{
    cleanup_free char *status = fd_read_task(pid, tid, "status");
    const char *line = status ? strstr(status, "\nSigBlk:") : NULL;
    unsigned long long blocked = ~0ULL;
    if (!line || sscanf(line, "\nSigBlk: %llx", &blocked) != 1)
        return false;
    return !(blocked >> (SCENE_SIGNAL - 1) & 1);
}

/* Asks the threads for their pages. Leaves in *tasks those that will answer. */
static void request_pages(pid_t pid, const struct scene *scene, struct tasks *tasks)
{
    size_t asked = 0;
    for (size_t i = 0; i < tasks->n; i++) {
        pid_t tid = tasks->tids[i];
        if (scene_find(scene, tid) ||
            (takes_signal(pid, tid) && syscall(SYS_tgkill, pid, tid, SCENE_SIGNAL) == 0))
            tasks->tids[asked++] = tid;
    }
    tasks->n = asked;
}

static void await_pages(const struct scene *scene, const struct tasks *tasks)
{
    uint64_t deadline = clock_now() + ANSWER_TIME;
    for (size_t i = 0; i < tasks->n && clock_now() < deadline;) {
        const struct scene_page *page = scene_find(scene, tasks->tids[i]);
        if (page && scene_is_whole(page))
            i++;
        else
            nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    }
}

/* Adds empty pages for workers that did not answer: the board has their numbers. */
static void add_silent_workers(const struct board *board, const struct tasks *tasks, struct outcome *outcome)
{
    for (uint16_t i = 0; i < PLAN_THREADS_MAX; i++) {
        pid_t tid = atomic_load_explicit(&board->slots[i].tid, memory_order_relaxed);
        bool alive = false;
        for (size_t k = 0; tid && k < tasks->n; k++)
            alive |= tasks->tids[k] == tid;
        if (alive && !outcome_page(outcome, tid))
            outcome->pages[outcome->npages++] = (struct scene_page){.tid = tid, .worker = i, .is_worker = 1};
    }
}

static void copy_pages(const struct board *board, const struct tasks *tasks, struct outcome *outcome)
{
    const struct scene *scene = &board->scene;
    unsigned n = scene_count(scene);
    outcome->pages = calloc(n + PLAN_THREADS_MAX, sizeof *outcome->pages);
    for (unsigned i = 0; outcome->pages && i < n; i++)
        if (atomic_load_explicit(&scene->pages[i].state, memory_order_acquire) != SCENE_EMPTY)
            scene_copy(&scene->pages[i], &outcome->pages[outcome->npages++]);
    if (outcome->pages)
        add_silent_workers(board, tasks, outcome);
}

static bool is_function(const struct symbol_frame *frame, const char *const *names)
{
    for (; frame->function && *names; names++)
        if (strcmp(frame->function, *names) == 0)
            return true;
    return false;
}

/* Does the stack reach a function in which threads and processes begin? */
static bool is_complete(const struct symbol_stack *stack)
{
    static const char *const bottoms[] = {"clone3",       "__clone3", "clone", "__clone",
                                          "start_thread", "_start",   NULL};
    return stack->nframes > 0 && is_function(&stack->frames[stack->nframes - 1], bottoms);
}

/* Removes the harness's handler in which the thread waits, and the signal trampoline below it. */
static void cut_handler(struct symbol_stack *stack)
{
    static const char *const handlers[] = {LANDMARK(on_scene), LANDMARK(on_fatal), NULL};
    size_t cut = 0;
    for (size_t i = 0; i + 2 < stack->nframes; i++)
        if (is_function(&stack->frames[i], handlers))
            cut = i + 2;
    for (size_t i = 0; i < cut; i++) {
        free(stack->frames[i].function);
        free(stack->frames[i].module);
        free(stack->frames[i].file);
    }
    memmove(stack->frames, stack->frames + cut, (stack->nframes - cut) * sizeof *stack->frames);
    stack->nframes -= cut;
}

static struct symbol_thread *find_thread(const struct outcome *outcome, pid_t tid)
{
    for (size_t i = 0; i < outcome->nthreads; i++)
        if (outcome->threads[i].tid == tid)
            return &outcome->threads[i];
    return NULL;
}

static void add_thread(struct outcome *outcome, struct symbol_thread *thread)
{
    struct symbol_thread *added = LIST_ADD(outcome->threads, outcome->nthreads);
    if (added) {
        *added = *thread;
        *thread = (struct symbol_thread){0};
    }
}

/* Adds the stacks that the threads wrote. */
static void add_written(const char *maps, struct outcome *outcome)
{
    struct symbols *symbols;
    if (!maps || outcome->npages == 0 || symbols_open(maps, &symbols) < 0)
        return;
    for (size_t i = 0; i < outcome->npages; i++) {
        const struct scene_page *page = &outcome->pages[i];
        struct symbol_thread thread = {.tid = page->tid};
        if (page->nnative > 0 &&
            symbols_stack(symbols, page->native, page->nnative, true, &thread.stack) == 0)
            add_thread(outcome, &thread);
        symbol_stack_free(&thread.stack);
    }
    symbols_close(symbols);
}

/* Must the thread be traced? Threads without a page matter only in a hung child, where they may hold a lock. */
static bool is_unknown(const struct outcome *outcome, pid_t pid, pid_t tid)
{
    const struct scene_page *page = outcome_page(outcome, tid);
    const struct symbol_thread *thread = find_thread(outcome, tid);
    if (!thread)
        return outcome->hung || page || tid == pid;
    return !is_complete(&thread->stack) && !(page && page->more_native);
}

/* Leaves in *tasks the threads without a complete stack. */
static void keep_unknown(const struct outcome *outcome, pid_t pid, struct tasks *tasks)
{
    size_t unknown = 0;
    for (size_t i = 0; i < tasks->n; i++)
        if (is_unknown(outcome, pid, tasks->tids[i]))
            tasks->tids[unknown++] = tasks->tids[i];
    tasks->n = unknown;
}

/* Keeps the more complete of two stacks of a thread. */
static void add_traced(struct outcome *outcome, struct symbol_thread *traced)
{
    struct symbol_thread *written = find_thread(outcome, traced->tid);
    cut_handler(&traced->stack);
    if (!written) {
        add_thread(outcome, traced);
    } else if (is_complete(&traced->stack) || traced->stack.nframes > written->stack.nframes) {
        struct symbol_stack stack = written->stack;
        written->stack = traced->stack;
        traced->stack = stack;
    }
}

static void trace_threads(pid_t pid, const struct tasks *tasks, struct outcome *outcome)
{
    struct symbol_thread *traced;
    size_t n;
    if (tasks->n == 0 || symbols_threads(pid, tasks->tids, tasks->n, &traced, &n) < 0)
        return;
    for (size_t i = 0; i < n; i++)
        add_traced(outcome, &traced[i]);
    symbol_threads_free(traced, n);
}

void look_at_child(pid_t pid, const struct board *board, bool may_trace, struct outcome *outcome)
{
    struct tasks tasks, asked;
    list_tasks(pid, &tasks);
    asked = tasks;
    if (outcome->hung)
        find_sleepers(pid, &tasks, outcome);
    if (atomic_load(&board->scene.ready)) {
        request_pages(pid, &board->scene, &asked);
        await_pages(&board->scene, &asked);
    }
    cleanup_free char *maps = fd_read_task(pid, pid, "maps");
    copy_pages(board, &tasks, outcome);
    add_written(maps, outcome);
    keep_unknown(outcome, pid, &tasks);
    if (may_trace)
        trace_threads(pid, &tasks, outcome);
    /* The child's own record may still arrive, and then replaces this text. */
    if (!outcome->maps) {
        outcome->maps = maps;
        maps = NULL;
    }
}

void look_at_pages(const struct board *board, struct outcome *outcome)
{
    copy_pages(board, &(struct tasks){0}, outcome);
    add_written(outcome->maps, outcome);
}
