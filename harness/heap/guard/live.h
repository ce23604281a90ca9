/* The guard's live blocks, one by one. Any thread; exact when no other thread uses the heap. */
#pragma once

#include "heap/memory/block.h"

/* block: a copy, whose memory may be read as long as no other thread frees it. */
void live_walk(void (*visit)(void *context, const struct block *block), void *context);

/* The live block that has this address inside, copied. Returns false when there is none. */
bool live_find(const void *at, struct block *copy);
