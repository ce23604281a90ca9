/* What the child does when it is about to die: it says where, lets the driver look at all its threads, and dies of the
 * same signal.
 *
 * Contract. The handlers run on any thread, in signal context, and call only async-signal-safe functions and
 * libunwind's local half. The first thread to crash reports; it makes every other one write its page of the scene
 * (witness.h) and wait, those that crash meanwhile too. Waiting is bounded. At a hang the driver asks for the pages,
 * and the threads then go on.
 */
#pragma once

#include <stdint.h>

#include "core/wire/board.h"

/* Installs handlers for SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT and SIGTRAP, and for the driver's request to stop
 * (SIGTERM does nothing but set board->ask). Child main, before any other thread. Returns 0 or -errno. */
int crash_install(int wire, struct board *board);

/* An alternate signal stack for the calling thread, so that a stack overflow is reported too. Returns 0 or -errno. */
int crash_thread_start(uint16_t worker);
void crash_thread_end(void);

/* The driver needs the map of the process to name addresses, and the process may be gone when it does.
 * Async-signal-safe. */
void crash_send_maps(void);

/* What the calling thread is running, for the report. The text must live as long as it is set. */
void crash_set_statement(const char *statement);
