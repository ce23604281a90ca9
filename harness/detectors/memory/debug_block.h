/* A block of CPython's debug allocator: what lies around the bytes that its owner asked for.
 *
 *     block - 16    size, big-endian     block - 8   'r', 'm' or 'o'     block - 7    7 times 0xfd
 *     block         size bytes           block + size   8 times 0xfd
 *
 * CPython looks at them when the block is freed or resized; here they are looked at while it lives.
 *
 * Contract. debug_block_check only reads, allocates nothing, and does not fault whatever it is given; one thread at a
 * time (see readable.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* In the order in which they are looked for: behind damage, nothing else can be trusted. */
enum debug_block_state {
    DEBUG_BLOCK_WHOLE,
    DEBUG_BLOCK_FOREIGN,  /* not of the debug allocator, as far as anyone can tell */
    DEBUG_BLOCK_UNDERRUN, /* some bytes before it are wrong */
    DEBUG_BLOCK_SIZE,     /* only the size is: it leads out of all memory */
    DEBUG_BLOCK_OVERRUN
};

enum debug_block_state debug_block_check(const void *block);

/* As asked for. Only of a block that is whole or overrun. */
size_t debug_block_size(const void *block);

/* How many of the 8 bytes behind it were written, the last one decides: 8 means at least 8. Only when overrun. */
unsigned debug_block_overrun(const void *block);

/* The 8 bytes before it, or behind it when it is overrun, as "fd fd 41 …". */
void debug_block_hex(const void *block, enum debug_block_state state, char text[24]);

/* Are the hooks in place? Attached. */
bool debug_block_hooked(void);
