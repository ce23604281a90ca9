/* Blocks between inaccessible pages: an overrun, an underrun or a use after free traps at its instruction. For the
 * blocks that site.h chooses; a limited number of them.
 *
 * Contract. One lock for the list; any thread, inside a heap call. pages_take returns a block in state CHANGING with
 * its pages open. pages_give takes one in state CHANGING; it is FREED and inaccessible when the function returns.
 * pages_open_at is called in signal handlers and is async-signal-safe. */
#pragma once

#include <stdbool.h>

#include "heap/memory/region.h"
#include "core/wire/violation.h"

struct pages_trace {
    unsigned nalloc, nfree;
    uint64_t alloc[VIOLATION_FRAMES], free[VIOLATION_FRAMES];
};

/* Sets the greatest number of such blocks. */
void pages_set_limit(unsigned limit);

/* Places blocks at the page behind and at the page before in turn. Returns NULL when all are in use. */
struct block *pages_take(size_t size, size_t align);
void pages_give(struct span *span, struct block *block);

static inline struct pages_trace *pages_trace_of(const struct span *span)
{
    return span->kind == SPAN_PAGES ? span->trace : NULL;
}

/* Makes the page of the address accessible until the span's next block, so that the instruction can run again. */
void pages_open_at(struct span *span, uintptr_t address);

/* Closes the pages that pages_open_at has opened around a large block. */
void pages_close_around(struct span *span);
