/* See witness.h for the contract: signal context throughout. */
#include "child/crash/witness.h"

#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/peek.h"
#include "detectors/common/pyversion.h"
#include "detectors/common/unwind.h"
#include "heap/guard/guard.h"

static __thread bool has_written __attribute__((tls_model("initial-exec")));

#define PLACE(id, name, place) [SCENE_##id] = REG_##place,
static const int places[SCENE_REGISTERS] = {SCENE_REGISTER_LIST(PLACE)};

/* Runs last: unwinding takes the loader's lock, which this thread may hold. */
static void write_native(struct scene_page *page, const struct witness *witness, void *ucontext)
{
    if (witness->frames)
        memcpy(page->native, witness->frames, witness->nframes * sizeof *witness->frames);
    page->nnative =
        (uint32_t)(witness->frames ? witness->nframes : unwind_context(ucontext, page->native, SCENE_NATIVE));
    page->more_native = page->nnative == SCENE_NATIVE;
}

/* Puts the statement below the frames of Python. */
static void write_bottom(struct scene_page *page, const struct witness *witness)
{
    if (!page->is_worker && !witness->statement)
        return;
    /* The text of a compound statement replaces its frame. */
    if (page->npython > 0 && strcmp(page->python[page->npython - 1].file, SCENE_STEP) == 0)
        page->npython--;
    struct scene_python *bottom = &page->python[page->npython];
    bool known =
        peek_text((uint64_t)(uintptr_t)witness->statement, bottom->function, sizeof bottom->function);
    if (!known)
        memcpy(bottom->function, SCENE_BETWEEN, sizeof SCENE_BETWEEN);
    bottom->file[0] = '\0';
    bottom->line = 0;
    page->npython++;
}

/* A register that points to freed memory shows more than an address that was read from there. */
static void write_pointers(struct scene_page *page)
{
    for (unsigned i = 0; i < SCENE_RIP && page->npointers < SCENE_POINTERS; i++) {
        struct scene_pointer *pointer = &page->pointers[page->npointers];
        pointer->index = (uint8_t)i;
        page->npointers += guard_look(page->registers[i], &pointer->block) &&
                           pointer->block.kind == VIOLATION_FREED_READ &&
                           (uint64_t)pointer->block.offset < pointer->block.size;
    }
}

/* Writes the block that the crash or the wait is about. */
static void write_block(struct scene_page *page, const siginfo_t *info)
{
    if (page->signal) {
        page->code = info->si_code;
        page->address = (uint64_t)(uintptr_t)info->si_addr;
        page->has_block = guard_look(page->address, &page->block);
        write_pointers(page);
        return;
    }
    /* The first argument of the system call, still in its register, may be a futex: finds the lock behind it. */
    uint64_t futex = page->registers[SCENE_RDI];
    page->parked = pyversion_parked(futex);
    page->has_block = guard_look(page->parked, &page->block) || guard_look(futex, &page->block);
}

bool witness_write(struct scene *scene, const struct witness *witness, int number, const siginfo_t *info,
                   void *ucontext)
{
    if (has_written)
        return false;
    has_written = true;
    struct scene_page *page = scene_take(scene, (int)syscall(SYS_gettid));
    if (!page)
        return true;
    page->worker = witness->worker;
    page->is_worker = witness->worker < PLAN_THREADS_MAX;
    page->signal = number;
    const greg_t *registers = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;
    for (unsigned i = 0; i < SCENE_REGISTERS; i++)
        page->registers[i] = (uint64_t)registers[places[i]];
    page->error = (uint32_t)registers[REG_ERR];
    write_block(page, info);
    pyversion_write_frames(page);
    write_bottom(page, witness);
    write_native(page, witness, ucontext);
    scene_finish(page);
    return true;
}
