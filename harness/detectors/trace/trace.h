/* Single-stepping through calls: logs the memory that the target's own instructions touch. Words that two threads touch
 * and one writes become candidates for watchpoints.
 *
 * Contract. trace_start once, on child main, before the threads. Then one thread at a time steps: trace_begin and
 * trace_end on that thread, attached, around a call; the caller keeps the other threads out, detached. The handlers run
 * on the stepping thread: trace_on_fault when it enters a target file (trace_doors.h), trace_on_trap after each
 * instruction in it. They decode the next instruction and change nothing but the trap flag of their own context. The
 * trap flag survives system calls, signal handlers (the kernel clears it for the handler and restores it) and popf.
 * A delayed trace begins in the handler of a timer of the thread, which sends SIGTRAP.
 * Stepping ends early when the budget is spent, and before a system call instruction of the target that blocks signals
 * or sets the handler of SIGTRAP: a trap would end the process while SIGTRAP is blocked.
 *
 * Not logged: instructions of the interpreter, libc and the system (but those of memcpy and the like, called by the
 * target), the stack, thread-local storage, gathers and scatters, and the heads of Python objects, which the interpreter
 * guards.
 */
#pragma once

#include <Python.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct trace_budget {
    uint64_t steps;
    uint64_t nanoseconds; /* of the thread's processor time, and twice of that by the wall clock */
    uint64_t delay;       /* ns that the call runs without steps first; 0: stepped from its start */
};

/* Returns 0, -ENOMEM, or -ENOTSUP where the trap flag does not work. */
int trace_start(void);

/* Steps the calling thread from here on. thread: its number in the log. */
void trace_begin(unsigned thread, const struct trace_budget *budget);

/* Ends it. Returns the number of instructions that were stepped. */
uint64_t trace_end(void);

/* True if a budget or a system call ended the last trace early. */
bool trace_was_cut(void);

/* Adds candidates from the accesses logged since the last settling, and clears the log. names: the shared objects, or
 * NULL. Outside of a trace, attached. Returns how many. */
unsigned trace_settle(PyObject *names);

/* Return true if the trap or fault belongs to a trace. Signal handlers. */
bool trace_on_trap(const siginfo_t *info, void *ucontext);
bool trace_on_fault(const siginfo_t *info, void *ucontext);
