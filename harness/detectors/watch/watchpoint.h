/* Hardware watchpoints of the calling thread: the processor stops the thread after each instruction of it that reads or
 * writes a watched word, and the kernel sends SIGTRAP with TRAP_PERF and the word's address.
 *
 * Contract. From watchpoint_set on, every function concerns the calling thread only, and is async-signal-safe. A system
 * call that reads the word does not count. A thread without registers (a debugger has them, or perf is not allowed)
 * simply has no trips.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define WATCHPOINTS 4 /* registers of a processor */

/* Begins to try on a thread of its own: the first watchpoint of a machine takes the kernel some 10 ms, in which Python
 * starts. Child main. */
void watchpoint_begin_try(void);
/* Can a watchpoint be set here? Returns 0 or -errno. Child main. */
int watchpoint_try(void);

/* Watches `size` bytes (1, 2, 4 or 8) at an address that is a multiple of it. Returns 0 or -errno. */
int watchpoint_set(unsigned slot, uintptr_t address, unsigned size);

/* Stops watching the slot, until watchpoint_resume or watchpoint_set. */
void watchpoint_pause(unsigned slot);
void watchpoint_resume(unsigned slot);

/* Closes the registers of the thread. */
void watchpoint_close(void);

/* Returns the watched address of a signal; 0: the signal is not a watchpoint's. */
uintptr_t watchpoint_address(const siginfo_t *info);
