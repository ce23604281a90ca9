/* Walks the guard's live blocks. Any thread; exact while no other thread uses the heap. */
#pragma once

#include "heap/memory/block.h"

/* block: a copy. Its memory may be read until another thread frees it. */
void live_walk(void (*visit)(void *context, const struct block *block), void *context);
