/* May this memory be read? For walkers that follow pointers which may be damaged.
 *
 * Contract. One thread at a time. Pages that were found readable are believed until readable_forget: call it before
 * each walk, because memory may be unmapped in between. Allocates nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

void readable_forget(void);

/* All of [from, from + size). Does not fault, whatever `from` is. */
bool readable(const void *from, size_t size);
