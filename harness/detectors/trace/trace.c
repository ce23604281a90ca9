/* See trace.h for the contract. x86-64 Linux. Handlers come last: async-signal-safe code only. */
#include "detectors/trace/trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "detectors/trace/anchor.h"
#include "detectors/trace/head.h"
#include "detectors/trace/trace_decode.h"
#include "detectors/trace/trace_doors.h"
#include "detectors/trace/trace_log.h"
#include "detectors/watch/target_files.h"

#define TRAP_FLAG 0x100
#define EXECUTE_FAULT 16
#define CLOCK_EVERY 256
#define FOREIGN_MOST 6
#define MEMORY_MOST 200
#define LENGTH_MAX 15 /* bytes of an instruction */
#define UNREACHED_SHARE 5

/* Of the one thread that steps. */
static struct {
    uint64_t steps, most, until, wall_until;
    unsigned foreign; /* steps outside of target files since the last one inside */
    uintptr_t stack_low, stack_high;
    bool cut;
    bool in_memory_function;
    bool is_delayed; /* the timer has not expired yet */
    timer_t timer;
    bool has_timer;
} trace;

/* Functions of libc that read and write the memory that the target passes. */
static uintptr_t memory_functions[16];

/* Initial-exec: a handler reads them. stepped: the thread has stepped once, and a saved copy of its flags may still
 * have the trap flag. */
static __thread bool stepping __attribute__((tls_model("initial-exec")));
static __thread bool stepped __attribute__((tls_model("initial-exec")));

static void find_memory_functions(void)
{
    static const char *const names[] = {"memcpy", "memmove", "memset",  "memcmp", "memchr",
                                        "strlen", "strcpy",  "strncpy", "strcmp", "strncmp",
                                        "strchr", "strcat",  "strnlen", "stpcpy"};
    _Static_assert(sizeof names / sizeof *names <= sizeof memory_functions / sizeof *memory_functions,
                   "room for all");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        memory_functions[i] = (uintptr_t)dlsym(RTLD_DEFAULT, names[i]);
}

static uint64_t processor_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * CLOCK_SECOND + (uint64_t)t.tv_nsec;
}

static void find_stack(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        if (pthread_attr_getstack(&attributes, &low, &size) != 0)
            size = 0;
        pthread_attr_destroy(&attributes);
    }
    trace.stack_low = (uintptr_t)low;
    trace.stack_high = (uintptr_t)low + size;
}

/* Its signal may be the last one to come after timer_delete: the handler knows it by its value. */
static bool start_timer(uint64_t delay)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGTRAP};
    struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(delay / CLOCK_SECOND), .tv_nsec = (long)(delay % CLOCK_SECOND)}};
    event.sigev_value.sival_ptr = &trace;
    event._sigev_un._tid = gettid();
    trace.has_timer = timer_create(CLOCK_MONOTONIC, &event, &trace.timer) == 0;
    return trace.has_timer && timer_settime(trace.timer, 0, &at, NULL) == 0;
}

void trace_begin(unsigned thread, const struct trace_budget *budget)
{
    find_stack();
    trace_log_begin_call(thread);
    trace.steps = trace.foreign = 0;
    trace.most = budget->steps;
    trace.until = processor_time() + budget->nanoseconds;
    trace.wall_until = clock_now() + budget->delay + 2 * budget->nanoseconds;
    trace.cut = trace.in_memory_function = false;
    stepped = true;
    trace.is_delayed = budget->delay && start_timer(budget->delay);
    if (!trace.is_delayed)
        trace_doors_shut();
    stepping = true;
}

uint64_t trace_end(void)
{
    stepping = false;
    if (trace.has_timer)
        timer_delete(trace.timer);
    trace.has_timer = false;
    trace_doors_open_all();
    return trace.steps;
}

bool trace_was_cut(void)
{
    return trace.cut;
}

int trace_start(void)
{
#ifdef __x86_64__
    int result = trace_decode_start();
    if (!result)
        result = trace_log_start();
    if (!result)
        find_memory_functions();
    if (!result)
        target_files_read();
    return result;
#else
    return -ENOTSUP;
#endif
}

static PyObject *shared_names;
static bool explored;

/* A word of the heap that no shared object leads to may belong to a block that was freed and used again. */
static void add_candidate(struct candidate *candidate)
{
    if (!target_files_has_data(candidate->address)) {
        if (!explored)
            anchor_explore(shared_names);
        explored = true;
        if (!anchor_learn(candidate))
            candidate->weight = (candidate->weight + UNREACHED_SHARE - 1) / UNREACHED_SHARE;
    }
    candidates_add(candidate);
}

unsigned trace_settle(PyObject *names)
{
    shared_names = names;
    explored = false;
    unsigned n = trace_log_settle(head_contains, add_candidate);
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

/* Runs on without steps until the thread enters a target file again; for good if `cut`. */
static void leave(greg_t *registers, bool cut)
{
    registers[REG_EFL] &= ~TRAP_FLAG;
    if (cut) {
        trace.cut = true;
        stepping = false;
        trace_doors_open_all();
    } else {
        trace_doors_close();
    }
}

static bool is_spent(void)
{
    return trace.steps >= trace.most || (trace.steps % CLOCK_EVERY == 0 && (processor_time() >= trace.until ||
                                                                            clock_now() >= trace.wall_until));
}

static bool is_memory_function(uintptr_t pc)
{
    for (size_t i = 0; i < sizeof memory_functions / sizeof *memory_functions; i++)
        if (memory_functions[i] == pc)
            return true;
    return false;
}

/* Counts the steps outside of target files. A short function of another file is stepped, too, because a closed door
 * costs as much as some steps; and a function of libc for memory, for what it reads and writes. */
static void count_foreign(uintptr_t pc, bool is_target)
{
    trace.foreign = is_target ? 0 : trace.foreign + 1;
    if (trace.foreign <= 1)
        trace.in_memory_function = !is_target && is_memory_function(pc);
}

/* The thread is about to run this instruction. */
static void step(greg_t *registers)
{
    uintptr_t pc = (uintptr_t)registers[REG_RIP], end = target_files_code_end(pc);
    trace.steps++;
    count_foreign(pc, end);
    bool dangerous = is_syscall(pc) && is_dangerous(registers);
    if (is_spent() || (dangerous && end)) {
        leave(registers, true);
        return;
    }
    if (dangerous || trace.foreign > (trace.in_memory_function ? MEMORY_MOST : FOREIGN_MOST)) {
        leave(registers, false);
        return;
    }
    if (trace.in_memory_function)
        end = pc + LENGTH_MAX;
    const struct trace_instruction *instruction = end ? trace_decode(pc, end - pc) : NULL;
    if (instruction)
        log_operands(instruction, registers);
    registers[REG_EFL] |= TRAP_FLAG;
}

/* The delay is over: the thread is in a target file, or enters one later. */
static void begin_late(greg_t *registers)
{
    if (!stepping || !trace.is_delayed)
        return;
    trace.is_delayed = false;
    trace_doors_shut();
    if (trace_doors_open((uintptr_t)registers[REG_RIP]))
        step(registers);
}

/* The thread may step from one target file into another, which is closed: then it faults there. */
bool trace_on_trap(const siginfo_t *info, void *ucontext)
{
    greg_t *registers = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    if (info->si_code == SI_TIMER && info->si_value.sival_ptr == &trace) {
        begin_late(registers);
        return true;
    }
    if (!stepped || (info->si_code != TRAP_TRACE && info->si_code != TRAP_BRKPT))
        return false;
    registers[REG_EFL] &= ~TRAP_FLAG;
    if (stepping)
        step(registers);
    return true;
}

bool trace_on_fault(const siginfo_t *info, void *ucontext)
{
    greg_t *registers = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    if (info->si_code != SEGV_ACCERR || !(registers[REG_ERR] & EXECUTE_FAULT) || !trace_doors_open(pc))
        return false;
    /* A step into a closed file has been logged already. */
    if (stepping && !(registers[REG_EFL] & TRAP_FLAG))
        step(registers);
    return true;
}
