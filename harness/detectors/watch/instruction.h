/* What an instruction of the target does to a word in memory.
 *
 * Contract. Any thread, signal handlers too: allocates nothing. instruction_before finds the start of a function in the
 * unwind tables, which takes the loader's lock for a moment. Its results are stored in a table without a lock: the
 * thread that claims an entry by its address writes the value, and a reader that comes in between decodes for itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/wire/record.h"

struct access {
    uint8_t length;     /* bytes of the instruction; 0: it is not known, and nothing else is */
    uint8_t size;       /* bytes of memory */
    bool reads, writes; /* memory that it names by an operand */
    bool locked;        /* an atomic operation: lock prefix, or xchg */
};

/* Decodes the instruction that ends at pc. */
struct access instruction_before(uintptr_t pc);

/* Decodes the instruction at pc. */
struct access instruction_at(uintptr_t pc);

/* The address of the memory that the instruction at pc has just used, from the registers after it; 0: it changed them,
 * or the memory is the thread's own. */
uintptr_t instruction_address(uintptr_t pc, const void *ucontext);

/* Does the value that the instruction at `load` reads from memory always reach what the one at `store` writes? Follows
 * registers and stack slots through the code between the two, and all of its forward jumps; a value that a condition on
 * it chose counts. Else, does the code behind the store release it? FLOW_NONE where the code goes back, or is not
 * understood. After release_start. */
enum instruction_flow instruction_flows(uintptr_t load, uintptr_t store);
