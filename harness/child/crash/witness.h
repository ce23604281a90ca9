/* A thread that tells what it is doing: it writes its own page of the scene, at a crash or a hang.
 *
 * Contract. In a signal handler, on the thread that tells, with the context that was interrupted: async-signal-safe
 * functions only, libunwind's local half, and memory of others read through peek. A thread tells once; what it tells
 * may be cut short when it crashes in the middle.
 */
#pragma once

#include <signal.h>
#include <stdint.h>

#include "core/wire/scene.h"

/* Who tells, and what it was running (may be NULL). */
struct witness {
    uint16_t worker; /* RECORD_MAIN: the main thread, or one that is not ours */
    const char *statement;
    const uint64_t *frames; /* its native stack, or NULL: not walked yet */
    size_t nframes;
};

/* number: the signal of which the thread crashed, or 0. Nothing happens where the thread has told before. */
void witness_tell(struct scene *scene, const struct witness *witness, int number, const siginfo_t *info,
                  void *ucontext);

/* Has the calling thread told already, or begun to? */
bool witness_has_told(void);
