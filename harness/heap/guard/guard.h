/* The guard: an allocator that puts each block between canaries, poisons it when it is freed, and records its size,
 * allocation site, thread and step. Plain C, without Python.
 *
 * Contract. guard_start once, on the first thread; then every function on any thread. Order and progress: block.h,
 * thread.h. The report function is called on the thread that meets the violation, inside its heap call, on the
 * checker's thread, or in a signal handler: it must be async-signal-safe and must not call the heap. Return addresses
 * (`caller`) name the site in reports. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/violation.h"

struct guard_settings {
    void (*report)(const struct violation *violation);
    bool whole;        /* poison whole blocks, not only their ends */
    bool stacks;       /* store the stack of every allocation, not only of array data and samples */
    size_t quarantine; /* bytes for each thread; 0: the default */
    bool checker;      /* start its thread */
    uint64_t interval; /* its least sleep between two pieces of work, ns; 0: the default */
};

/* Returns 0 or -errno: -ENOMEM without address space, or the error of pthread_create. */
int guard_start(const struct guard_settings *settings);
bool guard_is_on(void);

/* Starts or stops storing the stack of every allocation. While no other thread uses the heap. */
void guard_store_stacks(bool all);

/* The work of the calling thread, recorded in the blocks that it allocates. */
struct guard_context {
    uint32_t iteration;
    uint16_t worker, step;
    bool is_idle; /* nothing of the target reads or writes its blocks: none lies between inaccessible pages */
};
extern __thread struct guard_context guard_context __attribute__((tls_model("initial-exec")));

/* align: a power of two. zero: its bytes are 0. Returns NULL with errno ENOMEM. */
void *guard_allocate(size_t size, size_t align, enum block_kind kind, bool zero, uint64_t caller);
void *guard_reallocate(void *at, size_t size, enum block_kind kind, uint64_t caller);
/* Reports a wrong pointer, and then frees nothing. at: not NULL. Keeps errno. */
void guard_release(void *at, enum block_kind kind, uint64_t caller);

/* Returns true for an address in the guard's memory. */
bool guard_owns(const void *at);
/* The requested size; 0 if it is no live block. */
size_t guard_size(const void *at);

/* Records the array in a block. Ignores an address that is in no live block. */
void guard_tag(const void *at, struct block_array array);

/* Handles a fault at this address. At one of the guard's inaccessible pages it reports a violation with these frames
 * (the first is the instruction's), opens the page, and returns true: the instruction may run again. Returns false if
 * no block can be blamed and the process must end: the instruction runs through memory from block to block, or comes
 * from the span before. Signal handler. */
bool guard_on_fault(uintptr_t address, bool write, const uint64_t *frames, size_t nframes);

/* Describes the block that contains the address, or lies in the same slot: kind VIOLATION_FREED_READ if it is freed,
 * and VIOLATION_READ_AFTER if it is live; `offset` is the distance from its start. Reports nothing. Returns false if
 * no block is known. Signal handler. */
bool guard_look(uint64_t address, struct violation *ret_violation);

/* Checks all blocks at once and reports. Signal handler, at the end of a process. */
void guard_scan_at_crash(void);
