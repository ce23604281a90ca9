/* Tracing in rounds: workers step through one iteration each, one after another, while the others wait.
 *
 * Contract. Child main calls tracing_start once, and tracing_begin_round between rounds. Then each worker calls
 * tracing_next, attached, until it returns false; it waits there detached. After true, this worker alone runs: it makes
 * its iteration, with tracing_begin_call and tracing_end_call around each call, and calls tracing_pass. A turn is
 * passed by a compare-and-swap on its number, which the others read after it: so they see the log of the one before. The
 * worker that passes the last turn adds the candidates. A worker that waits too long ends the turns for all: a call may
 * wait for another thread.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

/* Returns 0 or -errno; -ENOTSUP where no thread can be stepped. */
int tracing_start(void);
bool tracing_is_on(void);

/* threads: how many workers step, from number 0 on; names: the shared objects; fresh: they are new, so that candidates
 * in the old ones are forgotten, and sought in the new ones. The first round is traced, then a small share of the time.
 * Attached. */
void tracing_begin_round(unsigned threads, PyObject *names, bool fresh);

bool tracing_next(unsigned thread);
void tracing_pass(void);

void tracing_begin_call(unsigned thread);
void tracing_end_call(void);
