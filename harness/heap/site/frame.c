/* See frame.h for the contract. */
#include "heap/site/frame.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/exempt.h"
#include "heap/point/point.h"

#define TABLE 65536 /* a power of two */
#define OWN 8       /* frames of the guard above the caller */
#define VARIES UINT64_C(0xffff)
#define RELEARN 2048 /* walks of a thread until it reads the unwind tables again */

/* Return address << 16 | size of its frame / 8; a size of 0: the last frame. */
static _Atomic uint64_t table[TABLE];

static _Atomic uint64_t *entry_of(uint64_t pc)
{
    return &table[(pc * UINT64_C(0x9e3779b97f4a7c15)) >> 48];
}

static bool find_size(uint64_t pc, uint64_t *ret_size)
{
    uint64_t entry = atomic_load_explicit(entry_of(pc), memory_order_relaxed);
    *ret_size = entry & 0xffff;
    return entry >> 16 == pc && *ret_size != VARIES;
}

static void learn(uint64_t pc, uint64_t size)
{
    uint64_t entry = atomic_load_explicit(entry_of(pc), memory_order_relaxed), eighths = size / 8;
    bool varies = entry >> 16 == pc && (entry & 0xffff) != eighths;
    if (varies || size % 8 || eighths >= VARIES)
        eighths = VARIES;
    atomic_store_explicit(entry_of(pc), pc << 16 | eighths, memory_order_relaxed);
}

/* Walks by the unwind tables, and learns the sizes of the frames. */
static __attribute__((noinline)) unsigned step_tables(uint64_t caller, uint64_t *frames, unsigned n)
{
    unw_context_t context;
    unw_cursor_t cursor;
    unw_word_t pc = 0, sp = 0, next_pc, next_sp;
    unsigned found = 0;
    unw_getcontext(&context);
    if (unw_init_local(&cursor, &context) < 0)
        return 0;
    for (unsigned i = 0; pc != caller; i++)
        if (i > OWN || unw_step(&cursor) <= 0 || unw_get_reg(&cursor, UNW_REG_IP, &pc) < 0)
            return 0;
    unw_get_reg(&cursor, UNW_REG_SP, &sp);
    /* One frame more than requested: the size of a frame follows from the next one. */
    for (bool more = true; more && found <= n; pc = next_pc, sp = next_sp) {
        if (found < n)
            frames[found] = pc;
        found++;
        more = unw_step(&cursor) > 0 && unw_get_reg(&cursor, UNW_REG_IP, &next_pc) == 0 && next_pc != 0;
        next_sp = sp;
        if (more)
            unw_get_reg(&cursor, UNW_REG_SP, &next_sp);
        else
            next_pc = 0;
        learn(pc, next_sp - sp);
    }
    return found < n ? found : n;
}

/* The library takes a lock of its own, and the caller may hold one of the heap: no thread is delayed here. */
static __attribute__((noinline)) unsigned walk_tables(uint64_t caller, uint64_t *frames, unsigned n)
{
    uint32_t open = points_suspend();
    unsigned found = step_tables(caller, frames, n);
    points_resume(open);
    return found;
}

/* The stack pointer before the call that returns to `caller`, from the frame pointers of our own functions. */
EXEMPT static uintptr_t find_caller(uint64_t caller)
{
    const uintptr_t *frame = __builtin_frame_address(0);
    for (unsigned i = 0; i < OWN; i++) {
        const uintptr_t *next = (const uintptr_t *)frame[0]; /* NOLINT(performance-no-int-to-ptr) */
        if (frame[1] == caller)
            return (uintptr_t)(frame + 2);
        if (next <= frame || (const char *)next - (const char *)frame > 65536)
            return 0;
        frame = next;
    }
    return 0;
}

EXEMPT unsigned frame_walk(uint64_t caller, uint64_t *frames, unsigned n)
{
    static __thread unsigned walks __attribute__((tls_model("initial-exec")));
    uintptr_t sp = find_caller(caller);
    uint64_t pc = caller, size;
    if (!sp || walks++ % RELEARN == RELEARN - 1)
        return walk_tables(caller, frames, n);
    for (unsigned i = 0; i < n; i++) {
        frames[i] = pc;
        if (!find_size(pc, &size))
            return walk_tables(caller, frames, n);
        if (size == 0)
            return i + 1;
        sp += 8 * size;
        pc = *(const uint64_t *)(sp - 8); /* NOLINT(performance-no-int-to-ptr) */
    }
    return find_size(pc, &size) ? n : walk_tables(caller, frames, n);
}
