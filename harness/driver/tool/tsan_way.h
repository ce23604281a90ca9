/* The known ways to run clean under ThreadSanitizer and find nothing. Driver, one thread.
 *
 * Each function returns a sentence that says what is in the way and what to do, the caller's, or NULL when nothing is.
 * `run --tsan` ends with it in "could not test"; `doctor` shows the same. The sixth way, statements that never ran
 * because of a missing import, is told by the child, which knows the exception.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Addresses that are randomised. Asks for a fixed layout, which all that this process starts inherits. */
char *tsan_way_layout(void);

/* A limit on the address space. Lifts it where that is allowed. */
char *tsan_way_limit(void);

/* A server of debug information, whose answers the symboliser waits for: the value of DEBUGINFOD_URLS, or NULL. */
char *tsan_way_server(const char *urls);

/* Why a child that had the GIL is no test; or NULL where it had none. */
char *tsan_way_gil(bool is_on);

/* Files of packages that are not instrumented. */
char *tsan_way_bare(char *const *paths, size_t n);
