/* sched_yield of the target and of CPython: it gives the processor away only while threads of this process run.
 *
 * Contract. Any thread; async-signal-safe. In CPython 3.13t a critical section inside another one for the same object
 * yields 40 times before it waits, so a start makes some 2000 of these calls, each of which costs a turn of every other
 * process on a busy machine. Before the threads start, one call in 64 reaches the kernel: who waits for a thread of the
 * target's own still makes progress. */
#pragma once

#include "core/wire/board.h"

/* Child main, before any other thread. */
void yield_start(struct board *board);
