/* Follows a value from a load to a store, and behind it: one pass over the code, with the set of registers and stack
 * slots that hold it, and the set of those that point to memory which holds it. At the target of a forward jump the
 * sets of both ways are intersected, so that a value in the set comes from the load on every way. */
#include "detectors/watch/instruction_decode.h"
#include "detectors/watch/instruction.h"

#include <string.h>

#include "base/peek.h"
#include "detectors/common/release.h"
#include "detectors/watch/target_files.h"

#define LENGTH_MAX 4096 /* bytes of code */
#define JUMPS 32
#define SLOTS 8
#define EVERYTHING UINT64_MAX /* the set where no way leads */
#define LATE 8                /* instructions behind the store that may still complete a link */
#define RELEASE_LENGTH 512    /* bytes of code behind the store that may still release the old value */

/* Bits of a set: 16 general registers, 32 vector registers, the flags, stack slots. */
enum { VECTORS = 16, FLAGS = 48, FIRST_SLOT = 49 };
/* What the way has passed: the store, a release of the value. */
#define STORED (UINT64_C(1) << 58)
#define RELEASED (UINT64_C(1) << 59)

/* What a called function may change: rax, rcx, rdx, rsi, rdi, r8 to r11, vector registers, flags. */
#define LOST_IN_CALL (UINT64_C(0x0fc7) | ((UINT64_C(1) << 32) - 1) << VECTORS | UINT64_C(1) << FLAGS)

struct flow {
    uint64_t set;   /* what holds the value */
    uint64_t links; /* what points to memory that holds it */
    unsigned njumps, nslots;
    struct {
        uintptr_t target;
        uint64_t set, links;
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

/* The bit of the register that points to the memory which the instruction fills with the value; 0: it does not. */
static uint64_t link_of(struct flow *flow, const struct instruction *at)
{
    const ZydisDecodedOperand *to = &at->operands[0], *from = &at->operands[1];
    if (at->head.mnemonic != ZYDIS_MNEMONIC_MOV || to->type != ZYDIS_OPERAND_TYPE_MEMORY || to->size != 64 ||
        to->mem.index != ZYDIS_REGISTER_NONE || to->mem.segment == ZYDIS_REGISTER_FS ||
        to->mem.base == ZYDIS_REGISTER_RSP || !(flow->set & sources_of(flow, from)))
        return 0;
    return bit_of_register(to->mem.base);
}

/* The bit of the register or stack slot that the instruction copies; 0: it is no copy. */
static uint64_t copied_by(struct flow *flow, const struct instruction *at)
{
    const ZydisDecodedOperand *from = &at->operands[1];
    if (at->head.mnemonic != ZYDIS_MNEMONIC_MOV)
        return 0;
    return from->type == ZYDIS_OPERAND_TYPE_REGISTER ? bit_of_register(from->reg.value)
           : from->type == ZYDIS_OPERAND_TYPE_MEMORY ? bit_of_slot(flow, from)
                                                     : 0;
}

static void step_links(struct flow *flow, const struct instruction *at, uint64_t targets)
{
    bool holds = flow->links & copied_by(flow, at);
    flow->links = (flow->links & ~targets) | (holds ? targets : 0) | link_of(flow, at);
}

static void lose_in_call(struct flow *flow)
{
    flow->set &= ~LOST_IN_CALL;
    flow->links &= ~LOST_IN_CALL;
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
    step_links(flow, at, targets);
    bool holds = flow->set & sources && !is_constant(&at->head, at->operands);
    uint64_t kept = flow->set & partial;
    flow->set = (flow->set & ~targets) | (holds ? targets : 0) | kept;
    if (at->head.meta.category == ZYDIS_CATEGORY_CALL)
        lose_in_call(flow);
}

static void end_way(struct flow *flow)
{
    flow->set = flow->links = EVERYTHING;
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
        flow->jumps[flow->njumps].links = flow->links;
        flow->jumps[flow->njumps++].set = flow->set;
    }
    if (at->head.meta.category == ZYDIS_CATEGORY_UNCOND_BR)
        end_way(flow);
    return true;
}

static void meet_jumps(struct flow *flow, uintptr_t pc)
{
    for (unsigned i = 0; i < flow->njumps; i++)
        if (flow->jumps[i].target == pc) {
            flow->set &= flow->jumps[i].set;
            flow->links &= flow->jumps[i].links;
        }
}

static bool begin(struct flow *flow, const struct instruction *load)
{
    for (unsigned i = 0; i < load->head.operand_count; i++)
        flow->set |= target_of(flow, &load->operands[i]);
    return flow->set;
}

/* The bits of what the instruction stores. */
static uint64_t stored_by(struct flow *flow, const struct instruction *store)
{
    uint64_t stored = 0;
    for (unsigned i = 0; i < store->head.operand_count; i++)
        if (store->operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER)
            stored |= sources_of(flow, &store->operands[i]);
    return stored;
}

static bool is_jump(const struct instruction *at)
{
    return at->head.meta.category == ZYDIS_CATEGORY_COND_BR ||
           at->head.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
}

/* Up to here the code behind the store can be decoded: memory behind the code may not be there. */
static uintptr_t end_of_code(uintptr_t store)
{
    uintptr_t end = store + RELEASE_LENGTH, code_end = target_files_code_end(store);
    return code_end && code_end - ZYDIS_MAX_INSTRUCTION_LENGTH < end ? code_end - ZYDIS_MAX_INSTRUCTION_LENGTH
                                                                     : end;
}

/* A compiler may move the store that fills the new block behind the one of its address. */
static bool links_late(struct flow *flow, const struct instruction *store, uint64_t stored)
{
    struct instruction at = *store;
    uintptr_t end = end_of_code(store->pc);
    for (unsigned i = 0; i < LATE && at.pc + at.head.length < end; i++) {
        if (!instruction_decode(at.pc + at.head.length, &at))
            return false;
        if (link_of(flow, &at) & stored)
            return true;
        if (is_jump(&at) || at.head.meta.category == ZYDIS_CATEGORY_CALL ||
            at.head.meta.category == ZYDIS_CATEGORY_RET)
            return false;
        for (unsigned k = 0; k < at.head.operand_count; k++)
            stored &= ~target_of(flow, &at.operands[k]);
        step(flow, &at);
    }
    return false;
}

static enum instruction_flow judge_store(struct flow *flow, const struct instruction *store)
{
    uint64_t stored = stored_by(flow, store);
    if (flow->set == EVERYTHING || !stored)
        return FLOW_NONE;
    if (flow->set & stored)
        return FLOW_VALUE;
    return flow->links & stored || links_late(flow, store, stored) ? FLOW_LINK : FLOW_NONE;
}

/* The instruction reads this slot of a table of addresses, such as a procedure linkage table has. */
static uintptr_t read_slot(const struct instruction *at)
{
    const ZydisDecodedOperand *slot = &at->operands[0];
    uint64_t value = 0;
    if (slot->type == ZYDIS_OPERAND_TYPE_MEMORY && slot->mem.base == ZYDIS_REGISTER_RIP)
        peek(0, at->pc + at->head.length + (uint64_t)slot->mem.disp.value, &value, sizeof value);
    return value;
}

/* The function that a call or a jump leads to, maybe through a linkage table; 0: it is not known. A slot of the table
 * may have no address before the first call. */
static uintptr_t callee_of(const struct instruction *at)
{
    struct instruction stub;
    ZyanU64 target = 0;
    if (at->operands[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return read_slot(at);
    if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&at->head, &at->operands[0], at->pc, &target)) ||
        !instruction_decode(target, &stub))
        return 0;
    if (stub.head.mnemonic == ZYDIS_MNEMONIC_ENDBR64 && !instruction_decode(target + stub.head.length, &stub))
        return 0;
    return stub.head.mnemonic == ZYDIS_MNEMONIC_JMP ? read_slot(&stub) : target;
}

/* Here the set is that of exact copies of the value. */
static void step_release(struct flow *flow, const struct instruction *at)
{
    uint64_t targets = 0;
    bool calls = at->head.meta.category == ZYDIS_CATEGORY_CALL;
    if ((calls || at->head.meta.category == ZYDIS_CATEGORY_UNCOND_BR) &&
        flow->set & bit_of_register(ZYDIS_REGISTER_RDI) && release_is(callee_of(at)))
        flow->set |= RELEASED;
    for (unsigned i = 0; i < at->head.operand_count; i++)
        targets |= target_of(flow, &at->operands[i]);
    bool copies = flow->set & copied_by(flow, at);
    flow->set = (flow->set & ~targets) | (copies ? targets : 0);
    if (calls)
        lose_in_call(flow);
}

/* Does no way lead here, or to code behind it? */
static bool is_over(const struct flow *flow, uintptr_t pc)
{
    bool over = flow->set == EVERYTHING;
    for (unsigned i = 0; i < flow->njumps && over; i++)
        over = flow->jumps[i].target < pc;
    return over;
}

/* Is there a way through load and store on which the loaded value is released? */
static bool releases(uintptr_t load, uintptr_t store)
{
    struct flow flow = {0};
    struct instruction at;
    uintptr_t end = end_of_code(store);
    if (!instruction_decode(load, &at) || at.head.mnemonic != ZYDIS_MNEMONIC_MOV || !begin(&flow, &at))
        return false;
    for (uintptr_t pc = load + at.head.length; pc < end; pc += at.head.length) {
        meet_jumps(&flow, pc);
        if (is_over(&flow, pc) || flow.njumps == JUMPS || !instruction_decode(pc, &at))
            return false;
        bool ends =
            at.head.meta.category == ZYDIS_CATEGORY_RET || at.head.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
        if (flow.set != EVERYTHING) {
            step_release(&flow, &at);
            flow.set |= pc == store ? STORED : 0;
            if (flow.set & STORED && flow.set & RELEASED)
                return true;
            if (is_jump(&at))
                take_jump(&flow, &at, end);
        }
        if (ends)
            end_way(&flow);
    }
    return false;
}

static enum instruction_flow follow(uintptr_t load, uintptr_t store)
{
    struct flow flow = {0};
    struct instruction at;
    if (!instruction_decode(load, &at) || !begin(&flow, &at))
        return FLOW_NONE;
    for (uintptr_t pc = load + at.head.length; pc <= store; pc += at.head.length) {
        meet_jumps(&flow, pc);
        if (!instruction_decode(pc, &at))
            return FLOW_NONE;
        if (pc == store)
            return judge_store(&flow, &at);
        if (is_jump(&at) && !take_jump(&flow, &at, store))
            return FLOW_NONE;
        if (at.head.meta.category == ZYDIS_CATEGORY_RET)
            end_way(&flow);
        else if (!is_jump(&at) && flow.set != EVERYTHING)
            step(&flow, &at);
    }
    return FLOW_NONE;
}

enum instruction_flow instruction_flows(uintptr_t load, uintptr_t store)
{
    if (store <= load || store - load > LENGTH_MAX)
        return FLOW_NONE;
    enum instruction_flow flow = follow(load, store);
    return flow == FLOW_NONE && releases(load, store) ? FLOW_RELEASE : flow;
}
