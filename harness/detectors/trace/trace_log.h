/* The log of a trace: which threads read and wrote each word.
 *
 * Contract. trace_log_start once, on child main; then one thread at a time: in a signal handler it adds, outside of one
 * it begins a call, settles and clears. Allocates nothing after the start.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detectors/watch/candidates.h"

/* Threads with numbers from here on share a bit. */
#define TRACE_THREADS 15

struct trace_access {
    uintptr_t address, pc;
    uint8_t size;
    bool reads, writes, locked;
};

/* Returns 0 or -ENOMEM. */
int trace_log_start(void);

/* The accesses that follow are those of one more call, by this thread. */
void trace_log_begin_call(unsigned number);
void trace_log_add(const struct trace_access *access);

/* Passes the words that two threads touched and one wrote to `add`, and with less weight those that the same
 * instruction wrote in two threads close to each other. skip: leaves a word out. Returns how many of the first kind. */
unsigned trace_log_settle(bool (*skip)(uintptr_t address), void (*add)(struct candidate *candidate));
void trace_log_clear(void);
