/* Reading memory that may not be there.
 *
 * Contract. Any thread, signal handlers too: async-signal-safe, allocates nothing, takes no lock. The kernel copies, so
 * no wrong pointer makes the caller fault. If a sandbox forbids process_vm_readv, nothing is readable.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Copies [from, from + size) of a process; pid 0 is the calling one. False: part of it is not there. */
bool peek(pid_t pid, uint64_t from, void *to, size_t size);

/* Copies a string of the calling process, cut to the size of `to`. False: its first byte is not there; *to is empty. */
bool peek_text(uint64_t from, char *to, size_t size);
