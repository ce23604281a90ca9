/* See instruction.h for the contract. */
#include "detectors/watch/instruction.h"

#include <stdatomic.h>
#include <stddef.h>
#include <ucontext.h>

#include "detectors/common/unwind.h"
#include "detectors/watch/instruction_decode.h"

#define TABLE 4096 /* a power of two */
#define PROBES 8
/* Longer functions take too long to decode in a handler. */
#define FUNCTION_MAX (UINT64_C(256) << 10)

enum { KNOWN = 1, READS = 2, WRITES = 4, LOCKED = 8 };

static struct {
    _Atomic uintptr_t pc;
    _Atomic uint32_t value; /* bits, length, size; 0: not written yet */
} table[TABLE];

static const ZydisDecodedOperand *memory_of(const struct instruction *instruction)
{
    for (unsigned i = 0; i < instruction->head.operand_count; i++) {
        const ZydisDecodedOperand *operand = &instruction->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.type == ZYDIS_MEMOP_TYPE_MEM &&
            operand->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT)
            return operand;
    }
    return NULL;
}

bool instruction_decode(uintptr_t pc, struct instruction *ret)
{
    const void *bytes = (const void *)pc; /* NOLINT(performance-no-int-to-ptr) */
    ZydisDecoder decoder;
    ret->pc = pc;
    return ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) &&
           ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, ZYDIS_MAX_INSTRUCTION_LENGTH, &ret->head,
                                               ret->operands));
}

struct access instruction_at(uintptr_t pc)
{
    struct instruction instruction;
    if (!instruction_decode(pc, &instruction))
        return (struct access){0};
    struct access access = {.length = instruction.head.length};
    const ZydisDecodedOperand *memory = memory_of(&instruction);
    if (!memory)
        return access;
    access.size = (uint8_t)(memory->size / 8);
    access.reads = memory->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
    access.writes = memory->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    access.locked = instruction.head.attributes & ZYDIS_ATTRIB_HAS_LOCK ||
                    instruction.head.mnemonic == ZYDIS_MNEMONIC_XCHG;
    return access;
}

/* Returns false for a register that the context does not have. */
static bool value_of(ZydisRegister name, const ucontext_t *context, uint64_t *ret)
{
    static const int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    *ret = 0;
    if (name == ZYDIS_REGISTER_NONE)
        return true;
    if (name < ZYDIS_REGISTER_RAX || name > ZYDIS_REGISTER_R15)
        return false;
    *ret = (uint64_t)context->uc_mcontext.gregs[order[name - ZYDIS_REGISTER_RAX]];
    return true;
}

static bool changes(const struct instruction *instruction, ZydisRegister name)
{
    for (unsigned i = 0; name != ZYDIS_REGISTER_NONE && i < instruction->head.operand_count; i++) {
        const ZydisDecodedOperand *operand = &instruction->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
            operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE &&
            ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operand->reg.value) == name)
            return true;
    }
    return false;
}

uintptr_t instruction_address(uintptr_t pc, const void *ucontext)
{
    struct instruction instruction;
    if (!instruction_decode(pc, &instruction))
        return 0;
    const ZydisDecodedOperand *memory = memory_of(&instruction);
    uint64_t base, index;
    if (!memory || memory->mem.segment == ZYDIS_REGISTER_FS || memory->mem.segment == ZYDIS_REGISTER_GS)
        return 0;
    if (memory->mem.base == ZYDIS_REGISTER_RIP)
        return pc + instruction.head.length + (uint64_t)memory->mem.disp.value;
    if (changes(&instruction, memory->mem.base) || changes(&instruction, memory->mem.index) ||
        !value_of(memory->mem.base, ucontext, &base) || !value_of(memory->mem.index, ucontext, &index))
        return 0;
    return base + index * memory->mem.scale + (uint64_t)memory->mem.disp.value;
}

/* Decodes its function from the start on. */
static struct access find_before(uintptr_t pc)
{
    uintptr_t at = unwind_function(pc - 1);
    if (!at || pc - at > FUNCTION_MAX)
        return (struct access){0};
    struct access access = {0};
    for (; at < pc; at += access.length) {
        access = instruction_at(at);
        if (!access.length)
            return access;
    }
    return at == pc ? access : (struct access){0};
}

static uint32_t pack(struct access access)
{
    return (uint32_t)(KNOWN | (access.reads ? READS : 0) | (access.writes ? WRITES : 0) |
                      (access.locked ? LOCKED : 0)) |
           (uint32_t)access.length << 8 | (uint32_t)access.size << 16;
}

static struct access unpack(uint32_t value)
{
    return (struct access){.length = (uint8_t)(value >> 8),
                           .size = (uint8_t)(value >> 16),
                           .reads = value & READS,
                           .writes = value & WRITES,
                           .locked = value & LOCKED};
}

struct access instruction_before(uintptr_t pc)
{
    for (unsigned i = 0; i < PROBES; i++) {
        unsigned at = (unsigned)((pc * UINT64_C(0x9e3779b97f4a7c15) >> 40) + i) % TABLE;
        uintptr_t there = atomic_load_explicit(&table[at].pc, memory_order_acquire);
        uint32_t value = atomic_load_explicit(&table[at].value, memory_order_acquire);
        if (there == pc && value)
            return unpack(value);
        if (there == pc)
            break;
        if (there || !atomic_compare_exchange_strong(&table[at].pc, &there, pc))
            continue;
        struct access access = find_before(pc);
        atomic_store_explicit(&table[at].value, pack(access), memory_order_release);
        return access;
    }
    return find_before(pc);
}
