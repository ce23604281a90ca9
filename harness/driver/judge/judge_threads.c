/* Adds native and Python stacks of a child that crashed or hung, and explains its registers. */
#include "driver/judge/judge_inside.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "core/wire/landmarks.h"
#include "driver/finding/address.h"
#include "driver/outcome/package.h"

/* A thread of the finding. */
struct shown {
    struct symbol_thread *thread;
    const struct scene_page *page;    /* or NULL */
    const struct deadlock_wait *wait; /* or NULL */
    int rank;                         /* lower ones first */
    size_t order;
};

bool judge_has_function(const struct symbol_stack *stack, size_t most, const char *function)
{
    for (size_t i = 0; i < stack->nframes && i < most; i++)
        if (text_equal(stack->frames[i].function, function))
            return true;
    return false;
}

bool judge_is_worker(const struct judge *judge, const struct symbol_thread *thread)
{
    const struct scene_page *page = outcome_page(judge->outcome, thread->tid);
    return (page && page->is_worker) || judge_has_function(&thread->stack, SIZE_MAX, LANDMARK(worker_main));
}

bool judge_is_between(const struct symbol_thread *thread)
{
    return judge_has_function(&thread->stack, 4, LANDMARK(barrier_wait));
}

/* Ranks the thread that crashed, threads that wait for others, threads in a package, the rest. -1: left out. */
static int rank_of(const struct judge *judge, const struct shown *shown, pid_t crashed)
{
    const struct symbol_thread *thread = shown->thread;
    const struct scene_page *page = shown->page;
    if (thread->tid == crashed)
        return 0;
    if (!judge_is_worker(judge, thread) && !shown->wait && !(page && page->npython > 0))
        return -1;
    if (page && page->signal)
        return 1;
    return shown->wait ? 2 : package_frame(judge->outcome, &thread->stack, NULL, 0) ? 3 : 4;
}

static int compare(const void *a, const void *b)
{
    const struct shown *one = a, *other = b;
    if (one->rank != other->rank)
        return one->rank < other->rank ? -1 : 1;
    return (one->order > other->order) - (one->order < other->order);
}

/* Names a worker by its number, the main thread by its statement, any other by its id. */
static char *name_of(const struct shown *shown)
{
    const struct scene_page *page = shown->page;
    bool has_statement = page && page->npython > 0 && !page->python[page->npython - 1].file[0];
    if (page && !page->is_worker && has_statement)
        return strdup("the main thread");
    if (page && !page->is_worker)
        return judge_format("a thread of the target's, id %d", (int)shown->thread->tid);
    return judge_format("thread %d", page ? (int)page->worker : (int)shown->thread->tid);
}

static char *title_of(const struct shown *shown, pid_t crashed)
{
    const struct scene_page *page = shown->page;
    cleanup_free char *name = name_of(shown);
    char lock[256];
    if (!name)
        return NULL;
    if (shown->thread->tid == crashed)
        return judge_format("%s, which crashed", name);
    if (page && page->signal)
        return judge_format("%s, which crashed, too: %s", name, strsignal(page->signal));
    if (shown->wait) {
        deadlock_name_lock(shown->wait, lock, sizeof lock);
        return judge_format("%s, which waits for the %s", name, lock);
    }
    bool silent = page && page->npython == 0 && page->is_worker;
    return judge_format("%s, at the same time%s", name,
                        silent ? "; it did not answer, so its Python frames are not known" : "");
}

static void take_python(struct finding_stack *stack, const struct scene_page *page)
{
    stack->python = calloc(page->npython + 1, sizeof *stack->python);
    for (uint32_t i = 0; stack->python && i < page->npython; i++) {
        const struct scene_python *from = &page->python[i];
        struct finding_python *to = &stack->python[stack->npython++];
        to->function = strdup(from->function);
        to->file = from->file[0] ? strdup(from->file) : NULL;
        to->line = from->line > 0 ? from->line : 0;
        /* Without a file it is a statement, which may have several lines. */
        finding_make_printable(to->function, !to->file);
        finding_make_printable(to->file, false);
    }
    stack->more_python = page->more_python;
    stack->more_native = page->more_native;
}

/* A thread that was stopped in a system call is at that instruction of two bytes or behind it. */
static bool same_place(const struct symbol_frame *one, const struct symbol_frame *other, bool innermost)
{
    uint64_t distance =
        one->offset > other->offset ? one->offset - other->offset : other->offset - one->offset;
    return distance <= (innermost ? 2 : 0) && text_equal(one->module, other->module);
}

static bool is_same(const struct finding_stack *one, const struct finding_stack *other)
{
    if (one->stack.nframes != other->stack.nframes || one->npython != other->npython)
        return false;
    for (size_t i = 0; i < one->stack.nframes; i++)
        if (!same_place(&one->stack.frames[i], &other->stack.frames[i], i == 0))
            return false;
    for (size_t i = 0; i < one->npython; i++)
        if (one->python[i].line != other->python[i].line ||
            !text_equal(one->python[i].function, other->python[i].function) ||
            !text_equal(one->python[i].file, other->python[i].file))
            return false;
    return true;
}

static uint64_t lock_of(const struct finding *finding, size_t at)
{
    const struct deadlock_wait *wait =
        deadlock_find(finding->waits, finding->nwaits, finding->stacks[at].tid);
    return wait ? wait->lock : 0;
}

/* Threads at one place that wait for different locks stay apart. */
static void fold(struct finding *finding, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (lock_of(finding, i) == lock_of(finding, at) &&
            is_same(&finding->stacks[i], &finding->stacks[at])) {
            finding->stacks[at].same_as = i;
            return;
        }
}

static void add(struct finding *finding, const struct shown *shown, char *title)
{
    struct symbol_stack stack = shown->thread->stack;
    shown->thread->stack = (struct symbol_stack){0};
    if (finding_add_stack(finding, title, stack) < 0)
        return;
    struct finding_stack *added = &finding->stacks[finding->nstacks - 1];
    added->tid = shown->thread->tid;
    if (shown->page && shown->page->is_worker)
        added->worker = shown->page->worker;
    if (shown->page)
        take_python(added, shown->page);
    fold(finding, finding->nstacks - 1);
}

/* Takes the stack that the thread sent as it crashed, unless a later one is deeper. */
static void put_crashed(struct outcome *outcome, struct finding *finding, pid_t crashed,
                        struct symbol_stack stack)
{
    for (size_t i = 0; i < outcome->nthreads; i++) {
        struct symbol_thread *thread = &outcome->threads[i];
        if (thread->tid != crashed || !crashed)
            continue;
        bool deeper = outcome_page(outcome, crashed) && thread->stack.nframes > stack.nframes;
        symbol_stack_free(deeper ? &stack : &thread->stack);
        thread->stack = deeper ? thread->stack : stack;
        return;
    }
    if (stack.nframes > 0)
        finding_add_stack(finding, judge_format("thread %d, which crashed", (int)crashed), stack);
}

void judge_threads(struct judge *judge, struct finding *finding, pid_t crashed, struct symbol_stack stack)
{
    struct outcome *outcome = judge->outcome;
    put_crashed(outcome, finding, crashed, stack);
    struct shown *shown = calloc(outcome->nthreads + 1, sizeof *shown);
    size_t n = 0;
    for (size_t i = 0; shown && i < outcome->nthreads; i++) {
        pid_t tid = outcome->threads[i].tid;
        struct shown next = {.thread = &outcome->threads[i],
                             .page = outcome_page(outcome, tid),
                             .wait = deadlock_find(finding->waits, finding->nwaits, tid)};
        next.rank = next.page || next.thread->stack.nframes > 0 ? rank_of(judge, &next, crashed) : -1;
        next.order = next.wait   ? (size_t)(next.wait - finding->waits)
                     : next.page ? next.page->worker
                                 : (size_t)tid;
        if (next.rank >= 0)
            shown[n++] = next;
    }
    if (n > 1)
        qsort(shown, n, sizeof *shown, compare);
    for (size_t i = 0; i < n; i++)
        add(finding, &shown[i], title_of(&shown[i], crashed));
    free(shown);
}

void judge_say_block(struct judge *judge, const struct violation *block, char *text, size_t size)
{
    struct symbol_stack made = judge_stack(judge, block->alloc, block->nalloc, false);
    const struct symbol_frame *frame = package_frame(judge->outcome, &made, NULL, 0);
    address_say_block(block, text, size);
    size_t n = strlen(text);
    if (frame && frame->function)
        snprintf(text + n, size - n, "; the block is of %s", frame->function);
    symbol_stack_free(&made);
}

/* Adds "rdi points 16 bytes into a freed block of 64 bytes". */
static void explain_pointers(struct judge *judge, struct finding *finding, const struct scene_page *page)
{
    for (unsigned i = 0; i < page->npointers; i++) {
        const struct scene_pointer *pointer = &page->pointers[i];
        char block[320];
        judge_say_block(judge, &pointer->block, block, sizeof block);
        finding_add_line(finding, judge_format("%s points %s", scene_register_names[pointer->index], block));
    }
}

void judge_explain_crash(struct judge *judge, struct finding *finding, const struct record *crash)
{
    const struct scene_page *page = outcome_page(judge->outcome, (pid_t)crash->values[CRASH_TID]);
    char text[640];
    const struct address_facts facts = {.signal = (int)crash->values[CRASH_SIGNAL],
                                        .code = (int)crash->values[CRASH_CODE],
                                        .address = (uint64_t)crash->values[CRASH_ADDRESS],
                                        .error = page ? page->error : 0,
                                        .registers = page ? page->registers : NULL,
                                        .block = page && page->has_block ? &page->block : NULL,
                                        .maps = judge->outcome->maps};
    address_explain(&facts, text, sizeof text);
    if (text[0])
        finding_add_line(finding, judge_format("the fault: %s", text));
    if (!page)
        return;
    explain_pointers(judge, finding, page);
    finding->registers = malloc(sizeof page->registers);
    if (finding->registers)
        memcpy(finding->registers, page->registers, sizeof page->registers);
}
