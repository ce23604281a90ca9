/* exit and _exit for the target: they note the statement that called them, because an exit leaves no stack.
 *
 * Contract. Any thread, signal handlers too: _exit is async-signal-safe. The first call of this process counts; a
 * process that the target forked notes nothing, one of the harness's own does (board->fork). The driver reads the text
 * when the process has ended. */
#pragma once

#include "core/wire/board.h"

/* Child main, behind crash_install and before any other thread. */
void leaving_start(struct board *board);
