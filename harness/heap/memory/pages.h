/* Blocks between inaccessible pages: an overrun, an underrun or a use after free traps at the instruction that does it.
 * For the blocks that site.h chooses; a bounded number of them.
 *
 * Contract. One lock for the list; any thread, inside a heap call. A block that is handed out is in state CHANGING and
 * its page is open; one that is given back is CHANGING, and is FREED and inaccessible when pages_give returns.
 * pages_open_at is called in signal handlers and is async-signal-safe.
 */
#pragma once

#include <stdbool.h>

#include "heap/memory/region.h"
#include "core/wire/violation.h"

struct pages_trace {
    unsigned nalloc, nfree;
    uint64_t alloc[VIOLATION_FRAMES], free[VIOLATION_FRAMES];
};

/* How many there may be at once. */
void pages_set_limit(unsigned limit);

/* Against the page behind it and against the one before it in turn. Returns NULL when all are in use. */
struct block *pages_take(size_t size, size_t align);
void pages_give(struct span *span, struct block *block);

static inline struct pages_trace *pages_trace_of(const struct span *span)
{
    return span->kind == SPAN_PAGES ? span->trace : NULL;
}

/* Makes the page of the address accessible, so that the instruction can be run after all; until the next block of the
 * span. */
void pages_open_at(struct span *span, uintptr_t address);

/* Closes what pages_open_at has opened around a large block. */
void pages_close_around(struct span *span);

void pages_lock(void);
void pages_unlock(void);
