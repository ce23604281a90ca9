/* A block of CPython's debug allocator: the bytes around the owner's.
 *
 *     block - 16    size, big-endian     block - 8   'r', 'm' or 'o'     block - 7    7 times 0xfd
 *     block         size bytes           block + size   8 times 0xfd
 *
 * CPython checks them when the block is freed or resized; these functions check them while it lives.
 *
 * Contract. debug_block_check only reads, allocates nothing, and does not fault at any address; one thread at a time
 * (see readable.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* In the order of the checks: after one kind of damage no later check is reliable. */
enum debug_block_state {
    DEBUG_BLOCK_WHOLE,
    DEBUG_BLOCK_FOREIGN,  /* probably not from the debug allocator */
    DEBUG_BLOCK_UNDERRUN, /* some bytes before it are wrong */
    DEBUG_BLOCK_SIZE,     /* only the size is wrong: it points outside all memory */
    DEBUG_BLOCK_OVERRUN
};

enum debug_block_state debug_block_check(const void *block);

/* The requested size. Only of a block that is whole or overrun. */
size_t debug_block_size(const void *block);

/* The number of bytes written behind it, up to the last wrong one of 8: 8 means at least 8. Only if overrun. */
unsigned debug_block_overrun(const void *block);

/* The 8 bytes before it, or behind it if it is overrun, as "fd fd 41 …". */
void debug_block_hex(const void *block, enum debug_block_state state, char text[24]);

/* Returns true if the debug hooks are installed. Attached. */
bool debug_block_hooked(void);
