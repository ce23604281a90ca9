/* Checks that memory can be read. For walkers that follow pointers which may be damaged.
 *
 * Contract. One thread at a time. Readable pages are cached until readable_forget: call it before each walk, because
 * memory may be unmapped in between. Allocates nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

void readable_forget(void);

/* Returns true if all of [from, from + size) is readable. Does not fault for any `from`. */
bool readable(const void *from, size_t size);
