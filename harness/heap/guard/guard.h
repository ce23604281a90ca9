/* The guard: an allocator whose every block stands between canaries, is poisoned when freed, and is known by size,
 * site, thread and step. Plain C; knows nothing of Python.
 *
 * Contract. guard_start once, on the first thread, before the blocks are to be guarded; then every function on any
 * thread. Order and progress: block.h, thread.h. The report function is called on the thread that met the violation,
 * inside its heap call, on the checker's, or in a signal handler: it must be async-signal-safe and must not call the
 * heap. Return addresses (`caller`) name the site in reports.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/violation.h"

struct guard_settings {
    void (*report)(const struct violation *violation);
    bool whole;        /* poison whole blocks, not only their ends */
    bool stacks;       /* keep the stack of every allocation, not only of array data and samples */
    size_t quarantine; /* bytes a thread; 0: the default */
    bool checker;      /* start its thread */
    uint64_t interval; /* ns that it sleeps at least between two pieces of work; 0: the default */
};

/* Returns 0 or -errno: -ENOMEM without address space, or what pthread_create said. */
int guard_start(const struct guard_settings *settings);
bool guard_is_on(void);

/* From now on the stack of every allocation is kept, or is not. While no other thread uses the heap. */
void guard_keep_stacks(bool all);

/* What the calling thread is doing, for the blocks that it makes. */
struct guard_context {
    uint32_t iteration;
    uint16_t worker, step;
};
extern __thread struct guard_context guard_context __attribute__((tls_model("initial-exec")));

/* align: a power of two. zero: its bytes are 0. Returns NULL with errno ENOMEM. */
void *guard_allocate(size_t size, size_t align, enum block_kind kind, bool zero, uint64_t caller);
void *guard_reallocate(void *at, size_t size, enum block_kind kind, uint64_t caller);
/* Whatever is wrong with the pointer is reported, and then nothing is freed. at: not NULL. Keeps errno. */
void guard_release(void *at, enum block_kind kind, uint64_t caller);

/* Is it an address of the guard's memory? */
bool guard_owns(const void *at);
/* The size asked for; 0 when it is no live block. */
size_t guard_size(const void *at);
/* A pointer freed that is neither the guard's nor the C library's. */
void guard_report_foreign(const void *at, uint64_t caller);

/* Says what array lies in a block. Any address that is none of a live block is ignored. */
void guard_tag(const void *at, struct block_array array);

/* A fault of an instruction at this address. Returns true when it was one of the guard's inaccessible pages: it is
 * reported with these frames (the first is the instruction's), the page is open now, and the instruction may be run
 * again. False where nobody can say whose fault it is, and the process had better end: an instruction runs on through
 * memory from block to block, or comes from the span before. Signal handler. */
bool guard_on_fault(uintptr_t address, bool write, const uint64_t *frames, size_t nframes);

/* What block an address is in, or next to in its slot: kind VIOLATION_FREED_READ where it is freed, and
 * VIOLATION_READ_AFTER where it lives; `offset` says where in it, or how far from it. Nothing is reported. False: none
 * is known. Signal handler. */
bool guard_look(uint64_t address, struct violation *ret_violation);

/* Looks at everything at once and reports. Signal handler, at the end of a process. */
void guard_scan_at_crash(void);
