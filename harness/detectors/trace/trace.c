/* See trace.h for the contract. x86-64 Linux. Handlers come last: async-signal-safe code only. */
#include "detectors/trace/trace.h"

#include <Python.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/peek.h"
#include "detectors/watch/target_files.h"
#include "detectors/trace/trace_decode.h"
#include "detectors/trace/trace_log.h"

#define TRAP_FLAG 0x100
#define CLOCK_EVERY 1024

/* Of the one thread that steps. */
static struct {
    uint64_t steps, most, until;
    uintptr_t stack_low, stack_high;
    bool cut;
} trace;

/* Initial-exec: a handler reads them. stepped: the thread has stepped once, and a saved copy of its flags may still
 * have the trap flag. */
static __thread bool stepping __attribute__((tls_model("initial-exec")));
static __thread bool stepped __attribute__((tls_model("initial-exec")));

static void set_trap_flag(void)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\torq %0, (%%rsp)\n\tpopfq\n\tlea 128(%%rsp), %%rsp"
                     :
                     : "i"(TRAP_FLAG)
                     : "memory", "cc");
}

static void find_stack(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &low, &size);
        pthread_attr_destroy(&attributes);
    }
    trace.stack_low = (uintptr_t)low;
    trace.stack_high = (uintptr_t)low + size;
}

void trace_begin(unsigned thread, const struct trace_budget *budget)
{
    find_stack();
    trace_log_begin_call(thread);
    trace.steps = 0;
    trace.most = budget->steps;
    trace.until = clock_now() + budget->nanoseconds;
    trace.cut = false;
    stepped = true;
    stepping = true;
    set_trap_flag();
}

/* The handler of the next step clears the trap flag. */
uint64_t trace_end(void)
{
    stepping = false;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return trace.steps;
}

bool trace_was_cut(void)
{
    return trace.cut;
}

int trace_start(void)
{
    int result = trace_decode_start();
    if (!result)
        result = trace_log_start();
    if (result)
        return result;
    target_files_read();
    trace_begin(0, &(struct trace_budget){1000, CLOCK_SECOND});
    bool works = trace_end() > 0;
    trace_log_clear();
    return works ? 0 : -ENOTSUP;
}

/* An object belongs to no thread or to a living one: the control block of a thread begins with its own address. */
static bool has_owner(const PyObject *object)
{
#ifdef Py_GIL_DISABLED
    uintptr_t self;
    return object->ob_tid == 0 || (peek(0, object->ob_tid, &self, sizeof self) && self == object->ob_tid);
#else
    return object->ob_refcnt > 0;
#endif
}

/* Is this the head of a Python object? Its type is an object, too, and the type of that is a type. */
static bool is_head(uintptr_t at)
{
    PyObject object, type;
    PyTypeObject metatype;
    if (!peek(0, at, &object, sizeof object) || !object.ob_type || !has_owner(&object) ||
        !peek(0, (uint64_t)object.ob_type, &type, sizeof type) || !type.ob_type ||
        !peek(0, (uint64_t)type.ob_type, &metatype, sizeof metatype))
        return false;
    return type.ob_type == &PyType_Type || metatype.tp_flags & Py_TPFLAGS_TYPE_SUBCLASS;
}

static bool is_in_head(uintptr_t word)
{
    for (size_t offset = 0; offset < sizeof(PyObject); offset += sizeof(uint64_t))
        if (is_head(word - offset))
            return true;
    return false;
}

unsigned trace_settle(void)
{
    unsigned n = trace_log_settle(is_in_head);
    trace_log_clear();
    return n;
}

/* Handlers */

/* System calls that must not be stepped over. Their arguments are in the registers. */
static bool is_dangerous(const greg_t *registers)
{
    switch (registers[REG_RAX]) {
    case SYS_rt_sigprocmask:
        return registers[REG_RDI] != SIG_UNBLOCK && registers[REG_RSI];
    case SYS_rt_sigaction:
        return registers[REG_RDI] == SIGTRAP && registers[REG_RSI];
    case SYS_clone:
    case SYS_clone3:
    case SYS_fork:
    case SYS_vfork:
    case SYS_execve:
    case SYS_execveat:
    case SYS_exit:
    case SYS_exit_group:
        return true;
    default:
        return false;
    }
}

static bool is_syscall(uintptr_t pc)
{
    const uint8_t *code = (const uint8_t *)pc; /* NOLINT(performance-no-int-to-ptr) */
    return code[0] == 0x0f && code[1] == 0x05;
}

static void log_operands(const struct trace_instruction *instruction, const greg_t *registers)
{
    if (instruction->repeats && registers[REG_RCX] == 0)
        return;
    for (unsigned i = 0; i < instruction->noperands; i++) {
        const struct trace_operand *operand = &instruction->operands[i];
        uintptr_t address = trace_operand_address(instruction, operand, registers);
        if (address - trace.stack_low < trace.stack_high - trace.stack_low)
            continue;
        trace_log_add(&(struct trace_access){.address = address,
                                             .pc = instruction->pc,
                                             .size = operand->size,
                                             .reads = operand->reads,
                                             .writes = operand->writes,
                                             .locked = instruction->locked});
    }
}

/* Returns true if the thread goes on in steps. */
static bool step(const greg_t *registers)
{
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    trace.steps++;
    if ((is_syscall(pc) && is_dangerous(registers)) || trace.steps >= trace.most ||
        (trace.steps % CLOCK_EVERY == 0 && clock_now() >= trace.until)) {
        trace.cut = true;
        return false;
    }
    uintptr_t end = target_files_code_end(pc);
    const struct trace_instruction *instruction = end ? trace_decode(pc, end - pc) : NULL;
    if (instruction)
        log_operands(instruction, registers);
    return true;
}

bool trace_on_trap(const siginfo_t *info, void *ucontext)
{
    greg_t *registers = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    if (!stepped || (info->si_code != TRAP_TRACE && info->si_code != TRAP_BRKPT))
        return false;
    if (stepping)
        stepping = step(registers);
    if (stepping)
        registers[REG_EFL] |= TRAP_FLAG;
    else
        registers[REG_EFL] &= ~TRAP_FLAG;
    return true;
}
