/* The scene of a crash or a hang: pages of the board's memory file, one for each thread of the child, which writes its
 * own stack there. The driver can read them after the child has died.
 *
 * Contract. A thread takes one page for itself, once (scene_take), and alone writes to it until it stores SCENE_WHOLE
 * (release). The driver reads pages that are whole (acquire), and unfinished pages of a dead child. Everything here
 * is async-signal-safe and never waits. A corrupt child may have written anything, so the driver reads only copies in
 * which scene_copy has put all numbers into range. */
#pragma once

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/plan/plan.h"
#include "core/wire/violation.h"

/* Workers, the main thread, and threads that the target starts itself. */
#define SCENE_PAGES (PLAN_THREADS_MAX + 64)
#define SCENE_NATIVE 256 /* frames of each kind, innermost first; deeper ones are counted */
#define SCENE_PYTHON 96
#define SCENE_FUNCTION 96
#define SCENE_FILE 192
#define SCENE_POINTERS 4
/* Stands for the statement when a worker runs none. */
#define SCENE_BETWEEN "(between two rounds)"
#define SCENE_STEP "<step>" /* the file name of a statement's code */

/* The signal to write the page: the crashing thread sends it to the workers, the driver to threads that have not
 * written. */
#define SCENE_SIGNAL (SIGRTMAX - 2)

/* A row: its id, its name, and its place in the context of a signal (REG_…). */
/* clang-format off */
#define SCENE_REGISTER_LIST(ROW) \
    ROW(RAX, rax, RAX) ROW(RBX, rbx, RBX) ROW(RCX, rcx, RCX) ROW(RDX, rdx, RDX) ROW(RSI, rsi, RSI) ROW(RDI, rdi, RDI) \
    ROW(RBP, rbp, RBP) ROW(RSP, rsp, RSP) ROW(R8, r8, R8) ROW(R9, r9, R9) ROW(R10, r10, R10) ROW(R11, r11, R11) \
    ROW(R12, r12, R12) ROW(R13, r13, R13) ROW(R14, r14, R14) ROW(R15, r15, R15) ROW(RIP, rip, RIP) \
    ROW(FLAGS, eflags, EFL)
/* clang-format on */
#define SCENE_REGISTER_ENUM(id, name, place) SCENE_##id,
enum scene_register { SCENE_REGISTER_LIST(SCENE_REGISTER_ENUM) SCENE_REGISTERS };
extern const char *const scene_register_names[SCENE_REGISTERS];

/* The processor's reason for a fault: bits of scene_page.error. */
enum scene_error { SCENE_ERROR_WRITE = 2, SCENE_ERROR_EXECUTE = 16 };

enum scene_state { SCENE_EMPTY, SCENE_TAKEN, SCENE_WHOLE };

struct scene_python {
    char function[SCENE_FUNCTION]; /* qualified name; a worker's last one: the statement that it runs */
    char file[SCENE_FILE];         /* a longer path begins with "…"; "" for the statement */
    int32_t line;                  /* 0: not known */
};

/* A register that points into a freed block. */
struct scene_pointer {
    uint8_t index; /* enum scene_register */
    struct violation block;
};

struct scene_page {
    _Atomic uint32_t state; /* enum scene_state */
    int32_t tid;
    uint16_t worker; /* RECORD_MAIN: the main thread, or one that is not ours */
    uint8_t is_worker;
    uint8_t npointers;
    int32_t signal; /* of which it crashed; 0: it was asked */
    int32_t code;
    uint32_t error; /* of the processor: enum scene_error */
    uint64_t address;
    uint64_t registers[SCENE_REGISTERS];
    uint64_t parked; /* what it waits for in CPython's parking lot, if it does */
    uint32_t nnative, npython;
    uint32_t more_native, more_python; /* frames that did not fit; for native ones only 0 or 1 */
    uint8_t has_block;                 /* `block` is what the guard knows of the address, or of the lock */
    struct violation block;
    struct scene_pointer pointers[SCENE_POINTERS];
    uint64_t native[SCENE_NATIVE];
    struct scene_python python[SCENE_PYTHON];
};

struct scene {
    _Atomic uint32_t ready; /* the child listens to SCENE_SIGNAL */
    _Atomic uint32_t taken;
    struct scene_page pages[SCENE_PAGES];
};

/* A page for this thread, or NULL when there is none left. */
struct scene_page *scene_take(struct scene *scene, int tid);
const struct scene_page *scene_find(const struct scene *scene, int tid);

static inline void scene_finish(struct scene_page *page)
{
    atomic_store_explicit(&page->state, SCENE_WHOLE, memory_order_release);
}

static inline bool scene_is_whole(const struct scene_page *page)
{
    return atomic_load_explicit(&page->state, memory_order_acquire) == SCENE_WHOLE;
}

unsigned scene_count(const struct scene *scene);
/* Copies the page and puts its counts, numbers and texts into range. */
void scene_copy(const struct scene_page *page, struct scene_page *ret_copy);
