/* See trace_decode.h for the contract. */
#include "detectors/trace/trace_decode.h"

#include <Zydis/Zydis.h>
#include <errno.h>
#include <stdlib.h>

#include "base/prng.h"

#define CACHED (1u << 14)
#define LENGTH_MAX 15

static ZydisDecoder decoder;

/* Each address has one slot; a later address takes it. */
static struct trace_instruction *cache;

static const struct {
    ZydisRegister name;
    int8_t number;
} registers[] = {
    {ZYDIS_REGISTER_RAX, REG_RAX}, {ZYDIS_REGISTER_RCX, REG_RCX},  {ZYDIS_REGISTER_RDX, REG_RDX},
    {ZYDIS_REGISTER_RBX, REG_RBX}, {ZYDIS_REGISTER_RSP, REG_RSP},  {ZYDIS_REGISTER_RBP, REG_RBP},
    {ZYDIS_REGISTER_RSI, REG_RSI}, {ZYDIS_REGISTER_RDI, REG_RDI},  {ZYDIS_REGISTER_R8, REG_R8},
    {ZYDIS_REGISTER_R9, REG_R9},   {ZYDIS_REGISTER_R10, REG_R10},  {ZYDIS_REGISTER_R11, REG_R11},
    {ZYDIS_REGISTER_R12, REG_R12}, {ZYDIS_REGISTER_R13, REG_R13},  {ZYDIS_REGISTER_R14, REG_R14},
    {ZYDIS_REGISTER_R15, REG_R15}, {ZYDIS_REGISTER_RIP, TRACE_PC},
};

/* Returns false for a register that is not followed, such as a vector of indices. */
static bool find_register(ZydisRegister name, int8_t *ret_number)
{
    *ret_number = TRACE_NO_REGISTER;
    if (name == ZYDIS_REGISTER_NONE)
        return true;
    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++)
        if (registers[i].name == name) {
            *ret_number = registers[i].number;
            return true;
        }
    return false;
}

/* The stack and the thread's own storage are not shared: operands with rsp, fs or gs do not count. */
static bool is_shared(const ZydisDecodedOperand *operand)
{
    ZydisRegister segment = operand->mem.segment;
    return operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.type == ZYDIS_MEMOP_TYPE_MEM &&
           segment != ZYDIS_REGISTER_FS && segment != ZYDIS_REGISTER_GS &&
           operand->mem.base != ZYDIS_REGISTER_RSP && operand->size >= 8 && operand->size / 8 <= 64;
}

static void add_operand(struct trace_instruction *instruction, const ZydisDecodedOperand *operand)
{
    struct trace_operand *added = &instruction->operands[instruction->noperands];
    if (!is_shared(operand) || instruction->noperands == TRACE_OPERANDS)
        return;
    *added = (struct trace_operand){.scale = operand->mem.scale,
                                    .size = (uint8_t)(operand->size / 8),
                                    .reads = operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ,
                                    .writes = operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE,
                                    .displacement =
                                        operand->mem.disp.has_displacement ? operand->mem.disp.value : 0};
    if (find_register(operand->mem.base, &added->base) && find_register(operand->mem.index, &added->index))
        instruction->noperands += added->reads || added->writes;
}

static bool decode(struct trace_instruction *ret, uintptr_t pc, size_t readable)
{
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    const void *code = (const void *)pc; /* NOLINT(performance-no-int-to-ptr) */
    *ret = (struct trace_instruction){0};
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, readable < LENGTH_MAX ? readable : LENGTH_MAX,
                                             &decoded, operands)))
        return false;
    ret->length = decoded.length;
    ret->locked = decoded.attributes & ZYDIS_ATTRIB_HAS_LOCK || decoded.mnemonic == ZYDIS_MNEMONIC_XCHG;
    ret->repeats =
        decoded.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
    for (unsigned i = 0; i < decoded.operand_count && decoded.address_width == 64; i++)
        add_operand(ret, &operands[i]);
    ret->pc = pc;
    return true;
}

int trace_decode_start(void)
{
    static const uint8_t increment[] = {0xf0, 0xff, 0x00};
    struct trace_instruction unused;
    if (!cache)
        cache = calloc(CACHED, sizeof *cache);
    if (!cache)
        return -ENOMEM;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    /* The first call of a function of a library may enter the loader, which no handler may do. */
    return decode(&unused, (uintptr_t)increment, sizeof increment) ? 0 : -ENOTSUP;
}

const struct trace_instruction *trace_decode(uintptr_t pc, size_t readable)
{
    struct trace_instruction *slot = &cache[prng_mix(pc) % CACHED];
    return slot->pc == pc || decode(slot, pc, readable) ? slot : NULL;
}

static uint64_t value_of(int8_t number, const struct trace_instruction *instruction, const greg_t *values)
{
    if (number == TRACE_PC)
        return instruction->pc + instruction->length;
    return number == TRACE_NO_REGISTER ? 0 : (uint64_t)values[number];
}

uintptr_t trace_operand_address(const struct trace_instruction *instruction,
                                const struct trace_operand *operand, const greg_t *values)
{
    return value_of(operand->base, instruction, values) +
           value_of(operand->index, instruction, values) * operand->scale + (uint64_t)operand->displacement;
}
