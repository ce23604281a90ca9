/* Follows a value from a load to a store: one pass over the code between the two, with the set of registers and stack
 * slots that hold it. At the target of a forward jump the sets of both ways are intersected, so that a value in the set
 * comes from the load on every way. */
#include "detectors/watch/instruction_decode.h"
#include "detectors/watch/instruction.h"

#include <string.h>

#define LENGTH_MAX 4096 /* bytes of code */
#define JUMPS 32
#define SLOTS 8
#define EVERYTHING UINT64_MAX /* the set where no way leads */

/* Bits of a set: 16 general registers, 32 vector registers, the flags, stack slots. */
enum { VECTORS = 16, FLAGS = 48, FIRST_SLOT = 49 };

/* What a called function may change: rax, rcx, rdx, rsi, rdi, r8 to r11, vector registers, flags. */
#define LOST_IN_CALL (UINT64_C(0x0fc7) | ((UINT64_C(1) << 32) - 1) << VECTORS | UINT64_C(1) << FLAGS)

struct flow {
    uint64_t set;
    unsigned njumps, nslots;
    struct {
        uintptr_t target;
        uint64_t set;
    } jumps[JUMPS];
    struct {
        ZydisRegister base;
        int64_t offset;
    } slots[SLOTS];
};

static uint64_t bit_of_register(ZydisRegister name)
{
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name);
    if (whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15)
        return UINT64_C(1) << (whole - ZYDIS_REGISTER_RAX);
    if (whole >= ZYDIS_REGISTER_ZMM0 && whole <= ZYDIS_REGISTER_ZMM31)
        return UINT64_C(1) << (VECTORS + whole - ZYDIS_REGISTER_ZMM0);
    if (name >= ZYDIS_REGISTER_FLAGS && name <= ZYDIS_REGISTER_RFLAGS)
        return UINT64_C(1) << FLAGS;
    return 0;
}

/* Returns the bit of a stack slot, a new one where it has none; 0: it is no slot. */
static uint64_t bit_of_slot(struct flow *flow, const ZydisDecodedOperand *memory)
{
    ZydisRegister base = memory->mem.base;
    unsigned i = 0;
    if ((base != ZYDIS_REGISTER_RSP && base != ZYDIS_REGISTER_RBP) ||
        memory->mem.index != ZYDIS_REGISTER_NONE)
        return 0;
    while (i < flow->nslots &&
           (flow->slots[i].base != base || flow->slots[i].offset != memory->mem.disp.value))
        i++;
    if (i == SLOTS)
        return 0;
    if (i == flow->nslots) {
        flow->slots[flow->nslots++].base = base;
        flow->slots[i].offset = memory->mem.disp.value;
    }
    return UINT64_C(1) << (FIRST_SLOT + i);
}

/* The bits that an operand reads: a register, a stack slot, or the registers of an address, since a value loaded
 * through a pointer depends on it. */
static uint64_t sources_of(struct flow *flow, const ZydisDecodedOperand *operand)
{
    if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER)
        return operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ ? bit_of_register(operand->reg.value) : 0;
    if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY)
        return 0;
    bool reads = operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
    if (!reads && operand->mem.type != ZYDIS_MEMOP_TYPE_AGEN)
        return 0;
    return bit_of_slot(flow, operand) | bit_of_register(operand->mem.base) |
           bit_of_register(operand->mem.index);
}

static uint64_t target_of(struct flow *flow, const ZydisDecodedOperand *operand)
{
    if (!(operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
        return 0;
    if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER)
        return bit_of_register(operand->reg.value);
    return operand->type == ZYDIS_OPERAND_TYPE_MEMORY ? bit_of_slot(flow, operand) : 0;
}

/* xor eax, eax and its like give a constant. */
static bool is_constant(const ZydisDecodedInstruction *instruction, const ZydisDecodedOperand *operands)
{
    bool clears =
        instruction->mnemonic == ZYDIS_MNEMONIC_XOR || instruction->mnemonic == ZYDIS_MNEMONIC_SUB ||
        instruction->mnemonic == ZYDIS_MNEMONIC_PXOR || instruction->mnemonic == ZYDIS_MNEMONIC_XORPS;
    return clears && operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER && operands[0].reg.value == operands[1].reg.value;
}

static void step(struct flow *flow, const struct instruction *at)
{
    uint64_t sources = 0, targets = 0, partial = 0;
    for (unsigned i = 0; i < at->head.operand_count; i++) {
        const ZydisDecodedOperand *operand = &at->operands[i];
        uint64_t target = target_of(flow, operand);
        sources |= sources_of(flow, operand);
        targets |= target;
        if (operand->size < 32 || operand->actions & ZYDIS_OPERAND_ACTION_CONDWRITE)
            partial |= target;
    }
    bool holds = flow->set & sources && !is_constant(&at->head, at->operands);
    uint64_t kept = flow->set & partial;
    flow->set = (flow->set & ~targets) | (holds ? targets : 0) | kept;
    if (at->head.meta.category == ZYDIS_CATEGORY_CALL)
        flow->set &= ~LOST_IN_CALL;
}

/* Returns false for a jump that this pass does not understand: back, or to an address in a register. A jump beyond the
 * store does not come back. */
static bool take_jump(struct flow *flow, const struct instruction *at, uintptr_t store)
{
    ZyanU64 target = 0;
    if (at->operands[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
        !ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&at->head, &at->operands[0], at->pc, &target)) ||
        target <= at->pc)
        return false;
    if (target <= store && flow->njumps == JUMPS)
        return false;
    if (target <= store) {
        flow->jumps[flow->njumps].target = target;
        flow->jumps[flow->njumps++].set = flow->set;
    }
    if (at->head.meta.category == ZYDIS_CATEGORY_UNCOND_BR)
        flow->set = EVERYTHING;
    return true;
}

static void meet_jumps(struct flow *flow, uintptr_t pc)
{
    for (unsigned i = 0; i < flow->njumps; i++)
        if (flow->jumps[i].target == pc)
            flow->set &= flow->jumps[i].set;
}

static bool begin(struct flow *flow, const struct instruction *load)
{
    for (unsigned i = 0; i < load->head.operand_count; i++)
        flow->set |= target_of(flow, &load->operands[i]);
    return flow->set;
}

static bool stores(struct flow *flow, const struct instruction *store)
{
    if (flow->set == EVERYTHING)
        return false;
    for (unsigned i = 0; i < store->head.operand_count; i++)
        if (store->operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            flow->set & sources_of(flow, &store->operands[i]))
            return true;
    return false;
}

bool instruction_flows(uintptr_t load, uintptr_t store)
{
    struct flow flow = {0};
    struct instruction at;
    if (store <= load || store - load > LENGTH_MAX || !instruction_decode(load, &at) || !begin(&flow, &at))
        return false;
    for (uintptr_t pc = load + at.head.length; pc <= store; pc += at.head.length) {
        meet_jumps(&flow, pc);
        if (!instruction_decode(pc, &at))
            return false;
        if (pc == store)
            return stores(&flow, &at);
        bool jumps = at.head.meta.category == ZYDIS_CATEGORY_COND_BR ||
                     at.head.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
        if (jumps && !take_jump(&flow, &at, store))
            return false;
        if (at.head.meta.category == ZYDIS_CATEGORY_RET)
            flow.set = EVERYTHING;
        else if (!jumps && flow.set != EVERYTHING)
            step(&flow, &at);
    }
    return false;
}
