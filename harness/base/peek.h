/* Reading memory that may not be there.
 *
 * Contract. Any thread, signal handlers too: async-signal-safe, allocates nothing, takes no lock. The kernel copies, so
 * that no pointer, however wrong, makes the caller fault. Where a sandbox forbids process_vm_readv nothing is readable.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Copies all of [from, from + size) of a process, the calling one with pid 0. False: it is not all there. */
bool peek(pid_t pid, uint64_t from, void *to, size_t size);

/* Copies a string of the calling process, cut to what `to` holds. False: not even its first byte is there; *to is then
 * empty. */
bool peek_text(uint64_t from, char *to, size_t size);
