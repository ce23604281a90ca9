/* The known ways to run clean under ThreadSanitizer and find nothing. Driver, one thread.
 *
 * Each function returns true and fills *ret when something is in the way. `run --tsan` ends with that sentence in
 * "could not test"; `doctor` prints it. The child reports the fifth way, statements that never ran because of a missing
 * import: it knows the exception.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/sentence.h"

/* Addresses that are randomised, where a program cannot have a fixed layout. */
bool tsan_way_layout(struct sentence *ret);

/* A limit on the address space that a program cannot lift. */
bool tsan_way_limit(struct sentence *ret);

/* A child that had the GIL. */
bool tsan_way_gil(bool is_on, struct sentence *ret);

/* Files of packages that are not instrumented. */
bool tsan_way_bare(char *const *paths, size_t n, struct sentence *ret);
