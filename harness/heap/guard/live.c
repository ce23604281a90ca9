/* See live.h for the contract. */
#include "heap/guard/live.h"

#include <string.h>

#include "heap/guard/guard.h"
#include "heap/memory/region.h"

/* Returns false if the block is not live or has changed during the copy. */
static bool copy_live(const struct block *block, struct block *copy)
{
    uint32_t word = block_load(block);
    if (block_state_of(word) != BLOCK_LIVE)
        return false;
    memcpy(copy, block, sizeof *copy);
    return block_still(block, word);
}

void live_walk(void (*visit)(void *context, const struct block *block), void *context)
{
    struct block copy;
    if (!guard_is_on())
        return;
    for (uint32_t number = 1; number <= region_spans(); number++) {
        const struct span *span = region_span(number);
        for (uint32_t i = 0; i < span_carved(span); i++)
            if (copy_live(&span->blocks[i], &copy))
                visit(context, &copy);
    }
}
