/* See crash.h for the contract: signal context, async-signal-safe code only below `Handlers`. */
#include "child/crash/crash.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "child/crash/signals.h"
#include "child/crash/witness.h"
#include "core/wire/landmarks.h"
#include "detectors/watch/stall.h"
#include "detectors/trace/trace.h"
#include "detectors/watch/tripwire.h"
#include "detectors/common/unwind.h"
#include "heap/guard/guard.h"

#define STACK_SIZE ((size_t)256 * 1024)
/* The child dies after this time, even if the driver has not walked the threads. */
#define PATIENCE (20 * CLOCK_SECOND)
/* More than a handler needs to do its work in steps; some milliseconds. */
#define STUCK 5000

static int wire;
static struct board *the_board;
static _Atomic int first_tid;

static __thread uint16_t thread_worker __attribute__((tls_model("initial-exec"))) = RECORD_MAIN;
static __thread const char *thread_statement __attribute__((tls_model("initial-exec")));
static __thread void *thread_stack __attribute__((tls_model("initial-exec")));

/* A signal, in its handler. */
struct fault {
    int number;
    siginfo_t *info;
    void *ucontext;
};

/* The fault that a handler of the target was called for; stale if it left by a jump. */
static __thread const struct fault *passed __attribute__((tls_model("initial-exec")));
static __thread bool raising __attribute__((tls_model("initial-exec")));

/* The last fault of the thread that the target's handler took, and how often it came back as it was. */
static __thread struct {
    gregset_t registers;
    uint64_t sequence; /* of the thread's slot */
    unsigned times;
} last __attribute__((tls_model("initial-exec")));

static struct {
    int resource;
    rlim_t at_start;
} limits[] = {{RLIMIT_AS, 0}, {RLIMIT_DATA, 0}};
#define LIMITS (sizeof limits / sizeof *limits)

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};

void crash_set_statement(const char *statement)
{
    thread_statement = statement;
}

const char *crash_statement(void)
{
    return thread_statement;
}

/* Handlers */

void crash_die_of(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    signals_set_default(number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), number);
    _exit(128 + number);
}

void crash_send_maps(void)
{
    cleanup_fd int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    char text[RECORD_TEXT];
    ssize_t n;
    for (int64_t first = 1; fd >= 0 && (n = read(fd, text, sizeof text - 1)) > 0; first = 0) {
        text[n] = '\0';
        RECORD_SEND(wire, RECORD_MAPS, .values = {first}, .texts = {text});
    }
}

/* Requests the pages of the other workers, before they move on; the driver requests those of other threads. */
static void request_pages(int tid)
{
    for (unsigned i = 0; i <= BOARD_MAIN; i++) {
        int other = atomic_load_explicit(&the_board->slots[i].tid, memory_order_relaxed);
        if (other && other != tid)
            syscall(SYS_tgkill, getpid(), other, SCENE_SIGNAL);
    }
}

static bool write_page(int number, const siginfo_t *info, void *ucontext)
{
    const struct witness self = {.worker = thread_worker, .statement = thread_statement};
    return witness_write(&the_board->scene, &self, number, info, ucontext);
}

/* Unwinds before it stops the others: one of them may hold the loader's lock, which unwinding takes. */
static void report_crash(int number, const siginfo_t *info, void *ucontext, int tid)
{
    uint64_t frames[SCENE_NATIVE];
    struct record record;
    struct witness self = {.worker = thread_worker, .statement = thread_statement, .frames = frames};
    self.nframes = unwind_context(ucontext, frames, SCENE_NATIVE);
    witness_write(&the_board->scene, &self, number, info, ucontext);
    stall_log_settle(thread_worker);
    request_pages(tid);
    crash_send_maps();
    crash_note_limits();
    record_begin(&record, RECORD_CRASH, thread_worker);
    record.values[CRASH_SIGNAL] = number;
    record.values[CRASH_CODE] = info->si_code;
    record.values[CRASH_ADDRESS] = (int64_t)(uintptr_t)info->si_addr;
    record.values[CRASH_TID] = tid;
    record_add_text(&record, thread_statement ? thread_statement : "");
    record_add_frames(&record, self.frames, self.nframes);
    record_send(&record, wire);
}

void crash_note_limits(void)
{
    struct rlimit now;
    for (size_t i = 0; i < LIMITS; i++)
        if (getrlimit(limits[i].resource, &now) == 0 && now.rlim_cur < limits[i].at_start)
            atomic_store(&the_board->limited, 1);
}

static void wait_for_end(void)
{
    for (;;)
        pause();
}

/* Reports an access to an inaccessible page of the guard and opens the page; the instruction then runs again. */
static bool handle_guard_fault(const siginfo_t *info, void *ucontext)
{
    const ucontext_t *at = ucontext;
    uint64_t frames[VIOLATION_FRAMES];
    if (!guard_owns(info->si_addr))
        return false;
    size_t n = unwind_context(ucontext, frames, VIOLATION_FRAMES);
    bool write = at->uc_mcontext.gregs[REG_ERR] & 2;
    return guard_on_fault((uintptr_t)info->si_addr, write, frames, n);
}

/* Does the fault repeat, because the target's handler came back to the instruction with nothing changed? */
static bool is_stuck(const struct fault *fault, const gregset_t before)
{
    const greg_t *now = ((const ucontext_t *)fault->ucontext)->uc_mcontext.gregs;
    unsigned slot = thread_worker < BOARD_MAIN ? thread_worker : BOARD_MAIN;
    uint64_t sequence = atomic_load_explicit(&the_board->slots[slot].sequence, memory_order_relaxed);
    bool same = fault->info->si_code > 0 && memcmp(now, before, sizeof(gregset_t)) == 0 &&
                memcmp(now, last.registers, sizeof(gregset_t)) == 0 && last.sequence == sequence;
    memcpy(last.registers, now, sizeof(gregset_t));
    last.sequence = sequence;
    last.times = same ? last.times + 1 : 0;
    return last.times >= STUCK;
}

/* Passes the signal to the handler of the target, if it has one. Returns true if the thread goes on. abort() ends the
 * process after a handler, too. */
static bool pass_on(const struct fault *fault)
{
    gregset_t before = {0};
    const siginfo_t *info = fault->info;
    bool aborts =
        fault->number == SIGABRT && info->si_code == SI_TKILL && info->si_pid == getpid() && !raising;
    memcpy(before, ((const ucontext_t *)fault->ucontext)->uc_mcontext.gregs, sizeof before);
    passed = fault;
    atomic_store(&the_board->handled, (uint32_t)fault->number);
    bool goes_on = signals_pass(fault->number, fault->info, fault->ucontext) && !aborts;
    atomic_store(&the_board->handled, 0);
    passed = NULL;
    if (!goes_on || !is_stuck(fault, before))
        return goes_on;
    if (wire >= 0)
        RECORD_SEND(wire, RECORD_NOTE,
                    .texts = {"the target handles a fatal signal itself, and its handler returns again "
                              "and again to the instruction that faults: counted as a crash"});
    return false;
}

/* A trap may end a step of both; the trace sets the trap flag again where it goes on. */
static bool handle_trap(const siginfo_t *info, void *ucontext)
{
    if (stall_on_trap(info, ucontext))
        return true;
    bool tripped = tripwire_on_trap(ucontext);
    return trace_on_trap(info, ucontext) || tripped;
}

/* A signal that the target's handler raises, or a fault in it, reports the fault that the handler was called for. */
static bool is_inside(const struct fault *outer, const struct fault *fault)
{
    return outer && outer > fault && signals_on_stack(outer) && signals_on_stack(fault);
}

static void on_fatal(int number, siginfo_t *info, void *ucontext)
{
    if ((number == SIGTRAP && handle_trap(info, ucontext)) ||
        (number == SIGSEGV && trace_on_fault(info, ucontext)))
        return;
    int saved = errno, first = 0, tid = (int)syscall(SYS_gettid);
    struct fault fault = {number, info, ucontext};
    if ((number == SIGSEGV && tripwire_on_fault(info, ucontext)) ||
        (number == SIGSEGV && info->si_code > 0 && handle_guard_fault(info, ucontext))) {
        errno = saved;
        return;
    }
    if (is_inside(passed, &fault)) {
        number = passed->number;
        info = passed->info;
        ucontext = passed->ucontext;
    } else if (!atomic_load(&first_tid) && pass_on(&fault)) {
        errno = saved;
        return;
    }
    /* A crash inside this handler ends the process at once; a crash of another thread waits for the first to do so. */
    if (!atomic_compare_exchange_strong(&first_tid, &first, tid)) {
        if (first == tid)
            crash_die_of(number);
        write_page(number, info, ucontext);
        wait_for_end();
    }
    if (wire >= 0) {
        report_crash(number, info, ucontext, tid);
        guard_scan_at_crash();
        const struct timespec nap = {.tv_nsec = 1000000};
        uint64_t until = clock_now() + PATIENCE;
        atomic_store(&the_board->crashed, 1);
        while (!atomic_load(&the_board->go_on) && clock_now() < until)
            nanosleep(&nap, NULL);
    }
    crash_die_of(number);
}
LANDMARK_IS(on_fatal);

/* After a crash threads do not resume, so what they recorded stays valid. A second request finds the thread recording
 * or waiting. */
static void on_scene(int number, siginfo_t *info, void *ucontext)
{
    int saved = errno;
    if (info->si_code != SI_TKILL)
        signals_pass(number, info, ucontext);
    else if (write_page(0, info, ucontext) && atomic_load(&first_tid))
        wait_for_end();
    errno = saved;
}
LANDMARK_IS(on_scene);

static void on_ask(int number)
{
    (void)number;
    atomic_store(&the_board->ask, 1);
}

static void note_own(bool is_own, int number)
{
    if (the_board && is_own)
        atomic_store(&the_board->own_signal, (uint32_t)number);
}

/* kill and raise for the target: they note its own signals, because the kernel does not report who sent SIGKILL. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): glibc names them __sig */
__attribute__((visibility("default"))) int kill(pid_t pid, int number)
{
    note_own(pid == getpid() || pid == 0, number);
    return (int)syscall(SYS_kill, pid, number);
}

__attribute__((visibility("default"))) int raise(int number)
{
    note_own(true, number);
    raising = true;
    int result = (int)syscall(SYS_tgkill, getpid(), gettid(), number);
    raising = false;
    return result;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* End of handlers */

int crash_install(int wire_fd, struct board *board)
{
    struct rlimit limit;
    int error;
    wire = wire_fd;
    the_board = board;
    for (size_t i = 0; i < LIMITS; i++)
        if (getrlimit(limits[i].resource, &limit) == 0)
            limits[i].at_start = limit.rlim_cur;
    unwind_prepare();
    /* SA_NODEFER: the tripwire single-steps out of its own handler, and a crash in a handler must not hang. SA_RESTART:
     * the timer of a delayed trace interrupts system calls. */
    struct sigaction fatal = {.sa_sigaction = on_fatal,
                              .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART};
    for (size_t i = 0; i < sizeof fatal_signals / sizeof *fatal_signals; i++)
        if ((error = signals_install(fatal_signals[i], &fatal)) < 0)
            return error;
    const struct sigaction ask = {.sa_handler = on_ask, .sa_flags = SA_RESTART | SA_ONSTACK};
    /* SA_NODEFER: the driver reads from the mask of a thread whether it will answer. */
    const struct sigaction scene = {.sa_sigaction = on_scene,
                                    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER};
    if (sigaction(SIGTERM, &ask, NULL) < 0)
        return -errno;
    if ((error = signals_install(SCENE_SIGNAL, &scene)) < 0)
        return error;
    atomic_store(&board->slots[BOARD_MAIN].tid, gettid());
    atomic_store(&board->scene.ready, 1);
    return crash_thread_start(RECORD_MAIN);
}

void crash_silence(void)
{
    wire = -1;
}

int crash_thread_start(uint16_t worker)
{
    thread_worker = worker;
    thread_stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (thread_stack == MAP_FAILED) {
        thread_stack = NULL;
        return -errno;
    }
    return signals_set_stack(thread_stack, STACK_SIZE);
}

void crash_thread_end(void)
{
    signals_set_stack(NULL, 0);
    if (thread_stack)
        munmap(thread_stack, STACK_SIZE);
    thread_stack = NULL;
}

void crash_restore(void)
{
    int number = signals_restore();
    char text[256];
    crash_note_limits();
    if (number == 0)
        return;
    snprintf(text, sizeof text,
             "the target replaced the handler of signal %d (%s); until the end of that round %s missed what "
             "happened",
             number, strsignal(number), /* NOLINT(concurrency-mt-unsafe): the workers wait */
             number == SIGSEGV   ? "crash, tripwire and guard"
             : number == SIGTRAP ? "crash and tripwire"
                                 : "crash");
    RECORD_SEND(wire, RECORD_NOTE, .texts = {text});
}

void crash_thread_restore(void)
{
    if (signals_restore_thread())
        RECORD_SEND(wire, RECORD_NOTE,
                    .texts = {"the target changed a thread's signal stack or blocked fatal signals; "
                              "until the end of that round the thread's crashes had no report"});
}
