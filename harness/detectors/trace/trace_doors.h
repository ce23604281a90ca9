/* Doors: the code of target files is closed (not executable) while the traced thread runs other code. Its entry into
 * the target's code then faults, so that it need not step through the interpreter and the C library.
 *
 * Contract. trace_doors_shut and trace_doors_open_all run on the traced thread, outside of handlers; the others are
 * async-signal-safe. The traced thread shuts doors and any thread opens them. If another thread, which is not traced,
 * enters a closed file, it opens its door and goes on; the traced thread may then miss an entry. No thread blocks
 * SIGSEGV while it runs the target's code: the child's own functions that set masks (child/crash/signals) prevent it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Closes all target files. */
void trace_doors_shut(void);
void trace_doors_open_all(void);

/* Opens the file that has pc. Returns false if none has, or if it cannot be opened. */
bool trace_doors_open(uintptr_t pc);

/* Closes the files that were opened since the last time. */
void trace_doors_close(void);
