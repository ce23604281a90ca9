/* What the machine allows. What a kernel may forbid is tried in a process of its own, which may fail.
 *
 * Contract: signal handlers are installed in such processes only. A handler runs in the one thread that there is,
 * counts in `traps`, and changes at most the flags that it returns to.
 */
#include "driver/doctor/doctor_inside.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/glibc.h"

#define SILENT 255 /* no errno */

static volatile sig_atomic_t traps;
static volatile uint64_t watched;

static bool read_number(const char *path, long *ret_number)
{
    cleanup_free char *text = NULL;
    return fd_read_file(path, &text, NULL) == 0 && sscanf(text, "%ld", ret_number) == 1;
}

/* Returns 0, an errno of the body, or SILENT when it does not tell. */
static int try_apart(int (*body)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(5);
        _exit(body());
    }
    if (pid < 0)
        return errno;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return SILENT;
    return WIFEXITED(status) ? WEXITSTATUS(status) : SILENT;
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(number, &action, NULL);
}

static void count_trap(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    traps++;
}

static int watch_a_word(void)
{
    struct perf_event_attr event = {
        .type = PERF_TYPE_BREAKPOINT,
        .size = sizeof event,
        .sample_period = 1,
        .bp_type = HW_BREAKPOINT_W,
        .bp_addr = (uint64_t)(uintptr_t)&watched,
        .bp_len = HW_BREAKPOINT_LEN_8,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .remove_on_exec = 1,
        .sigtrap = 1,
    };
    handle(SIGTRAP, count_trap);
    if (syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC) < 0)
        return errno;
    watched = 1;
    return traps ? 0 : SILENT;
}

static void say_setting(struct doctor_answer *answer, const char *path)
{
    long number;
    if (read_number(path, &number))
        fprintf(answer->text, "; %s is %ld", path_base(path), number);
}

static const char *perf_advice(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return "sysctl kernel.perf_event_paranoid=2; in a container also allow perf_event_open "
               "(--cap-add=PERFMON)";
    case EINVAL:
    case E2BIG:
        return "needs Linux 5.13 or newer; everything else works without";
    default:
        return "nothing to be done on this machine; everything else works without";
    }
}

enum doctor_level doctor_perf(struct doctor *doctor, struct doctor_answer *answer)
{
    int error = try_apart(watch_a_word);
    (void)doctor;
    if (error)
        fprintf(answer->text, "no hardware watchpoints: %s",
                error == SILENT ? "they never fire" : strerror(error));
    else
        fputs("hardware watchpoints fire", answer->text);
    say_setting(answer, "/proc/sys/kernel/perf_event_paranoid");
    fputs(error ? perf_advice(error) : "", answer->advice);
    return error ? DOCTOR_WARN : DOCTOR_OK;
}

static int trace_a_child(void)
{
    int error = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(pause());
    if (pid < 0 || ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
        error = errno;
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, __WALL);
    }
    return error;
}

enum doctor_level doctor_ptrace(struct doctor *doctor, struct doctor_answer *answer)
{
    int error = try_apart(trace_a_child);
    (void)doctor;
    if (error)
        fprintf(answer->text, "forbidden: %s; no stacks of children that hang",
                error == SILENT ? "?" : strerror(error));
    else
        fputs("children can be looked at", answer->text);
    say_setting(answer, "/proc/sys/kernel/yama/ptrace_scope");
    if (error)
        fputs("sysctl kernel.yama.ptrace_scope=1; in a container --cap-add=SYS_PTRACE", answer->advice);
    return error ? DOCTOR_WARN : DOCTOR_OK;
}

#ifdef __x86_64__
#define TRAP_FLAG 0x100

static void set_trap_flag(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void clear_trap_flag(int number, siginfo_t *info, void *context)
{
    count_trap(number, info, context);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

/* As the tripwire does it: a signal handler asks for one instruction more. */
static int step_once(void)
{
    handle(SIGTRAP, clear_trap_flag);
    handle(SIGUSR1, set_trap_flag);
    raise(SIGUSR1);
    return traps == 1 ? 0 : SILENT;
}
#else
static int step_once(void)
{
    return ENOTSUP;
}
#endif

enum doctor_level doctor_stepping(struct doctor *doctor, struct doctor_answer *answer)
{
    (void)doctor;
    if (try_apart(step_once) == 0)
        return doctor_say(answer, DOCTOR_OK, NULL, "one instruction at a time works: so does the tripwire");
    return doctor_say(answer, DOCTOR_WARN,
                      "run on x86-64 hardware or a virtual machine; other detectors work without",
                      "no single steps: the tripwire is off");
}

/* Only root may read how many bits are random. */
enum doctor_level doctor_aslr(struct doctor *doctor, struct doctor_answer *answer)
{
    long on = 0, bits;
    (void)doctor;
    read_number("/proc/sys/kernel/randomize_va_space", &on);
    if (on == 0 || personality(0xffffffff) & ADDR_NO_RANDOMIZE)
        return doctor_say(answer, DOCTOR_OK, NULL, "off");
    fprintf(answer->text, "on (randomize_va_space %ld)", on);
    if (!read_number("/proc/sys/vm/mmap_rnd_bits", &bits))
        return DOCTOR_OK;
    if (bits <= 28)
        return doctor_say(answer, DOCTOR_OK, NULL, ", mmap_rnd_bits is %ld", bits);
    return doctor_say(answer, DOCTOR_WARN,
                      "only for ThreadSanitizer builds: sysctl vm.mmap_rnd_bits=28, or setarch -R",
                      ", mmap_rnd_bits is %ld: ThreadSanitizer may not start", bits);
}

enum doctor_level doctor_system(struct doctor *doctor, struct doctor_answer *answer)
{
    struct utsname name;
    (void)doctor;
    uname(&name);
    return doctor_say(answer, DOCTOR_OK, NULL, "glibc %s, Linux %s, %s", gnu_get_libc_version(), name.release,
                      name.machine);
}

enum doctor_level doctor_arena(struct doctor *doctor, struct doctor_answer *answer)
{
    char reason[128];
    (void)doctor;
    if (glibc_layout_find(gnu_get_libc_version(), reason, sizeof reason))
        return doctor_say(answer, DOCTOR_OK, NULL, "the heaps of glibc %s can be walked",
                          gnu_get_libc_version());
    return doctor_say(answer, DOCTOR_WARN, "nothing to be done on this machine; other detectors work without",
                      "%s: no arena detector", reason);
}
