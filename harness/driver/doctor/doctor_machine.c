/* Features of the machine and the kernel. Those that a kernel may forbid are tried in a separate process.
 *
 * Contract: only these processes install signal handlers. A handler runs in the only thread, counts in `traps`, and
 * changes at most the flags that it returns to.
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

/* Returns 0, the errno that the body returns, or SILENT when it is killed. */
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

static void print_setting(struct doctor *doctor, const char *path)
{
    long number;
    if (read_number(path, &number))
        fprintf(doctor->text, "; %s is %ld", path_base(path), number);
}

static const char *perf_remedy(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return "sysctl kernel.perf_event_paranoid=2; in a container also allow perf_event_open "
               "(--cap-add=PERFMON)";
    case EINVAL:
    case E2BIG:
        return "use Linux 5.13 or newer; every detector works without them";
    default:
        return "use another machine; every detector works without them";
    }
}

enum doctor_level doctor_perf(struct doctor *doctor)
{
    int error = try_apart(watch_a_word);
    if (error)
        fprintf(doctor->text, "hardware watchpoints do not work: %s",
                error == SILENT ? "they never fire" : strerror(error));
    else
        fputs("hardware watchpoints fire; the detector watch uses them", doctor->text);
    print_setting(doctor, "/proc/sys/kernel/perf_event_paranoid");
    fputs(error ? perf_remedy(error) : "", doctor->remedy);
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

enum doctor_level doctor_ptrace(struct doctor *doctor)
{
    int error = try_apart(trace_a_child);
    if (error)
        fprintf(doctor->text, "ptrace is forbidden: %s; reports of hung children may lack stacks",
                error == SILENT ? "unknown reason" : strerror(error));
    else
        fputs("ptrace is allowed, so stacks of hung children can be read", doctor->text);
    print_setting(doctor, "/proc/sys/kernel/yama/ptrace_scope");
    if (error)
        fputs("sysctl kernel.yama.ptrace_scope=1; in a container --cap-add=SYS_PTRACE", doctor->remedy);
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

/* Like the tripwire: a signal handler lets one instruction run. */
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

enum doctor_level doctor_stepping(struct doctor *doctor)
{
    if (try_apart(step_once) == 0)
        return doctor_say(doctor, DOCTOR_OK, NULL, "single-stepping works, so the tripwire works");
    return doctor_say(doctor, DOCTOR_WARN,
                      "run on x86-64 hardware or in a virtual machine; other detectors work without",
                      "single-stepping does not work, so the tripwire is off");
}

/* Only root may read how many bits are random. */
enum doctor_level doctor_aslr(struct doctor *doctor)
{
    long on = 0, bits;
    read_number("/proc/sys/kernel/randomize_va_space", &on);
    if (on == 0 || personality(0xffffffff) & ADDR_NO_RANDOMIZE)
        return doctor_say(doctor, DOCTOR_OK, NULL, "address randomisation is off");
    fprintf(doctor->text, "address randomisation is on (randomize_va_space %ld)", on);
    if (!read_number("/proc/sys/vm/mmap_rnd_bits", &bits))
        return DOCTOR_OK;
    fprintf(doctor->text, ", mmap_rnd_bits is %ld", bits);
    return bits <= 28
               ? DOCTOR_OK
               : doctor_say(doctor, DOCTOR_WARN,
                            "only for ThreadSanitizer builds: sysctl vm.mmap_rnd_bits=28, or setarch -R",
                            ": ThreadSanitizer may not start");
}

enum doctor_level doctor_system(struct doctor *doctor)
{
    struct utsname name;
    uname(&name);
    return doctor_say(doctor, DOCTOR_OK, NULL, "glibc %s, Linux %s, %s", gnu_get_libc_version(), name.release,
                      name.machine);
}

enum doctor_level doctor_arena(struct doctor *doctor)
{
    char reason[128];
    if (glibc_layout_find(gnu_get_libc_version(), reason, sizeof reason))
        return doctor_say(doctor, DOCTOR_OK, NULL, "the detector arena supports the heap of glibc %s",
                          gnu_get_libc_version());
    return doctor_say(doctor, DOCTOR_WARN, "use another glibc; other detectors work without",
                      "%s, so the detector arena is off", reason);
}
