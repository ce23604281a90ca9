/* The memory operands of an instruction, decoded once for each address.
 *
 * Contract. trace_decode_start once, on child main; then one thread at a time decodes, in a signal handler: no
 * allocation, no lock. The code at an address does not change while the child runs; a file that is unloaded and
 * replaced by another at the same address yields stale operands, which makes wrong candidates and no finding.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#define TRACE_OPERANDS 2

struct trace_operand {
    int8_t base, index; /* greg numbers, or TRACE_NO_REGISTER, or TRACE_PC */
    uint8_t scale, size;
    bool reads, writes;
    int64_t displacement;
};

#define TRACE_NO_REGISTER (-1)
#define TRACE_PC (-2)

struct trace_instruction {
    uintptr_t pc;
    uint8_t length, noperands;
    bool locked, repeats;
    struct trace_operand operands[TRACE_OPERANDS];
};

/* Returns 0 or -ENOMEM. */
int trace_decode_start(void);

/* Returns the instruction at pc, or NULL if it is none. readable: bytes that can be read at pc. */
const struct trace_instruction *trace_decode(uintptr_t pc, size_t readable);

/* The address of an operand before the instruction runs. */
uintptr_t trace_operand_address(const struct trace_instruction *instruction,
                                const struct trace_operand *operand, const greg_t *values);
