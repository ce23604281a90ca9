/* One instruction, as Zydis decodes it. Any thread, signal handlers too. */
#pragma once

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stdint.h>

struct instruction {
    uintptr_t pc;
    ZydisDecodedInstruction head;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/* Returns false for bytes that are no instruction. */
bool instruction_decode(uintptr_t pc, struct instruction *ret);
