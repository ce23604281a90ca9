/* See recent.h for the contract. */
#include "heap/guard/recent.h"

#include "heap/guard/violation_report.h"

void recent_report(struct heap_thread *thread)
{
    for (unsigned i = 0; i < THREAD_RECENT; i++) {
        struct recent *recent = &thread->recent[i];
        struct block *block = recent->block;
        recent->tail = NULL;
        if (!block || block_load(block) != recent->word)
            continue;
        const struct span *span = region_find(block->start);
        struct damage damage = check_block(span, block);
        if (damage.from && block_still(block, recent->word))
            violation_report_damage(span, block, damage, FOUND_CALL);
    }
}
