/* The signals that the harness handles itself, and what the target asks for them.
 *
 * Contract. The functions that set handlers, masks and signal stacks are the child's, not libc's: a request of the
 * target for a signal of the harness is stored, reported back, and passed the signals that are not the harness's own.
 * So no handler of the target makes a detector blind. A target that asks the kernel itself is found by signals_restore
 * at the end of a round. A sanitizer build leaves libc's functions alone, because the sanitizer replaces them.
 * signals_pass runs in signal context; the table is read and written without a lock. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* Installs a handler of the harness. Child main, before any other thread. Returns 0 or -errno. */
int signals_install(int number, const struct sigaction *action);

/* Lets the kernel end the process at this signal. Async-signal-safe. */
void signals_set_default(int number);

/* Calls the target's handler. Returns false where it has none; an ignored signal counts as handled unless the
 * processor raised it. */
bool signals_pass(int number, siginfo_t *info, void *ucontext);

/* Makes `stack` the signal stack of the calling thread; the target's requests do not change it. NULL: none again.
 * Returns 0 or -errno. */
int signals_set_stack(void *stack, size_t size);

/* Is the address on the signal stack of the calling thread? */
bool signals_on_stack(const void *address);

/* Puts back the handlers of the harness. Returns a signal that had another handler, SIGSEGV before
 * others, or 0. */
int signals_restore(void);

/* Puts back the signal stack and the mask of the calling thread. Returns false if nothing had changed. */
bool signals_restore_thread(void);
