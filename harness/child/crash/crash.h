/* Reports a crash of the child: sends where it is, lets the driver inspect all threads, and dies of the same signal.
 *
 * Contract. The handlers run on any thread, in signal context, and call only async-signal-safe functions and
 * libunwind's local half. The first thread to crash reports; it makes every other thread write its page of the scene
 * (witness.h) and wait, including those that crash meanwhile. The wait is bounded. At a hang the driver requests the
 * pages, and the threads continue.
 */
#pragma once

#include <stdint.h>

#include "core/wire/board.h"

/* Installs handlers for the fatal signals, for SCENE_SIGNAL, and for the driver's request to stop (SIGTERM only sets
 * board->ask). Child main, before any other thread. Returns 0 or -errno. */
int crash_install(int wire, struct board *board);

/* From now on a fatal signal ends the process without a report. Steps and watchpoints go on. Child main. */
void crash_silence(void);
/* Ends the process by this signal. */
_Noreturn void crash_die_of(int number);

/* Makes an alternate signal stack for the calling thread, so that a stack overflow is reported too. Returns 0 or
 * -errno. */
int crash_thread_start(uint16_t worker);
void crash_thread_end(void);

/* Puts the handlers back if the target replaced them past libc, and notes which detectors were blind. Child main,
 * between rounds. */
void crash_restore(void);
/* The same for the calling thread's signal stack and mask. */
void crash_thread_restore(void);

/* Notes on the board that the target lowered its own limit on memory. Async-signal-safe. */
void crash_note_limits(void);

/* Sends the memory map, which the driver needs to name addresses after the child has ended. Async-signal-safe. */
void crash_send_maps(void);

/* Sets the statement that the calling thread runs, for the report. The text is borrowed. */
void crash_set_statement(const char *statement);
/* Returns it, or NULL between calls. Async-signal-safe. */
const char *crash_statement(void);
