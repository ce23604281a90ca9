/* A witness: a thread that writes its own page of the scene at a crash or a hang.
 *
 * Contract. In a signal handler, on the witness itself, with the interrupted context: async-signal-safe functions only,
 * libunwind's local half, and foreign memory only through peek. A thread writes once; a crash in the middle cuts its
 * page short.
 */
#pragma once

#include <signal.h>
#include <stdint.h>

#include "core/wire/scene.h"

struct witness {
    uint16_t worker;        /* RECORD_MAIN: the main thread, or a foreign one */
    const char *statement;  /* that it runs, or NULL */
    const uint64_t *frames; /* its native stack, or NULL: not walked yet */
    size_t nframes;
};

/* Writes the page. number: the signal of its crash, or 0. Returns false when the thread has done so before, or begun
 * to. */
bool witness_write(struct scene *scene, const struct witness *witness, int number, const siginfo_t *info,
                   void *ucontext);
