#include "driver/doctor.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/glibc.h"
#include "core/status.h"
#include "driver/doctor_tsan.h"
#include "driver/symbol.h"
#include "driver/valgrind.h"

#define WIDTH 110
#define INDENT 21
#define MIB (UINT64_C(1) << 20)
#define SILENT 255 /* no errno */

struct doctor {
    const char *asked, *child_path;
    bool has_child, has_probe;
    char child_abi[PROBE_ABI_SIZE];
    char *child_python;
    struct probe probe;
};

struct check {
    const char *name;
    enum doctor_level (*look)(struct doctor *doctor, struct doctor_answer *answer);
};

enum doctor_level doctor_say(struct doctor_answer *answer, enum doctor_level level, const char *advice,
                             const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    vfprintf(answer->text, text, arguments);
    va_end(arguments);
    if (advice)
        fputs(advice, answer->advice);
    return level;
}

/* The two programs and what they share. */

/* What follows the last semicolon of a sentence, or NULL. */
static const char *advice_of(const char *sentence)
{
    const char *advice = NULL;
    for (const char *next = sentence; (next = strstr(next, "; ")); next++)
        advice = next + 2;
    return advice;
}

/* A sentence of the probe: what is wrong; what to do. */
static enum doctor_level say_sentence(struct doctor_answer *answer, const char *sentence)
{
    const char *advice = advice_of(sentence);
    fprintf(answer->text, "%.*s", (int)(advice ? advice - 2 - sentence : (ptrdiff_t)strlen(sentence)),
            sentence);
    fputs(advice ? advice : "", answer->advice);
    return DOCTOR_BROKEN;
}

static enum doctor_level check_child(struct doctor *doctor, struct doctor_answer *answer)
{
    char error[1024];
    if (!doctor->child_path)
        return doctor_say(answer, DOCTOR_BROKEN, "build it with scripts/setup.sh",
                          "there is no ftstress-child");
    if (probe_child(doctor->child_path, doctor->child_abi, &doctor->child_python, error, sizeof error) < 0)
        return say_sentence(answer, error);
    doctor->has_child = true;
    return doctor_say(answer, DOCTOR_OK, NULL, "%s, embeds %s", doctor->child_path, doctor->child_abi);
}

static enum doctor_level check_interpreter(struct doctor *doctor, struct doctor_answer *answer)
{
    char error[1024];
    const char *python = probe_choose(doctor->asked, doctor->child_python);
    if (!python)
        return doctor_say(answer, DOCTOR_BROKEN, "name one with -p",
                          "no interpreter is named, and there is no child to ask");
    if (probe_interpreter(python, &doctor->probe, error, sizeof error) < 0)
        return say_sentence(answer, error);
    doctor->has_probe = true;
    return doctor_say(answer, DOCTOR_OK, NULL, "%s, CPython %s", doctor->probe.executable,
                      doctor->probe.version);
}

static enum doctor_level check_abi(struct doctor *doctor, struct doctor_answer *answer)
{
    char error[1024];
    if (!doctor->has_probe || !doctor->has_child)
        return doctor_say(answer, DOCTOR_SKIP, NULL, "needs the child and the interpreter");
    if (probe_check_abi(&doctor->probe, doctor->child_abi, error, sizeof error) < 0)
        return say_sentence(answer, error);
    return doctor_say(answer, DOCTOR_OK, NULL, "%s on both sides", doctor->child_abi);
}

static enum doctor_level check_gil(struct doctor *doctor, struct doctor_answer *answer)
{
    const char *wish = getenv("PYTHON_GIL");
    if (wish && !*wish)
        wish = NULL;
    if (wish && strcmp(wish, "0") != 0 && strcmp(wish, "1") != 0)
        return doctor_say(answer, DOCTOR_BROKEN, "unset PYTHON_GIL",
                          "PYTHON_GIL is '%s', and Python does not start", wish);
    if (!doctor->has_probe)
        return doctor_say(answer, DOCTOR_SKIP, NULL, "needs the interpreter");
    if (!doctor->probe.free_threaded)
        return doctor_say(answer, DOCTOR_BROKEN, "name a free-threaded interpreter with -p, e.g. python3.13t",
                          "this interpreter is built with the GIL");
    if (wish && *wish == '1')
        return doctor_say(answer, DOCTOR_BROKEN, "unset PYTHON_GIL", "PYTHON_GIL=1 turns it on at start");
    if (doctor->probe.gil_now)
        return doctor_say(answer, DOCTOR_BROKEN,
                          "see which .pth file or sitecustomize imports a compiled module",
                          "on as soon as the interpreter starts");
    if (wish)
        return doctor_say(answer, DOCTOR_WARN, "unset PYTHON_GIL to have runs tell you",
                          "off at start; PYTHON_GIL=0 keeps it off for packages that are not made for that");
    return doctor_say(answer, DOCTOR_OK, NULL, "off at start");
}

static enum doctor_level check_numpy(struct doctor *doctor, struct doctor_answer *answer)
{
    if (!doctor->has_probe || !doctor->probe.free_threaded)
        return doctor_say(answer, DOCTOR_SKIP, NULL, "needs a free-threaded interpreter");
    return doctor_numpy(&doctor->probe, answer);
}

static enum doctor_level check_packages(struct doctor *doctor, struct doctor_answer *answer)
{
    if (!doctor->has_probe || !doctor->probe.free_threaded)
        return doctor_say(answer, DOCTOR_SKIP, NULL, "needs a free-threaded interpreter");
    return doctor_packages(&doctor->probe, answer);
}

/* What children inherit and are better without. */
static enum doctor_level check_environment(struct doctor *doctor, struct doctor_answer *answer)
{
    static const struct {
        const char *name, *effect;
    } rows[] = {
        {"DEBUGINFOD_URLS", "symbolisers wait for the network"},
        {"LD_PRELOAD", "its libraries are in every child"},
        {"PYTHONHOME", "the child looks for its standard library there"},
        {"TSAN_OPTIONS", "run --tsan does without"},
        {"PYTHONMALLOC", "the interpreter's memory is laid out otherwise"},
    };
    unsigned n = 0;
    (void)doctor;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = getenv(rows[i].name);
        if (!value || !*value)
            continue;
        fprintf(answer->text, "%s%s is set: %s", n ? "; " : "", rows[i].name, rows[i].effect);
        fprintf(answer->advice, "%s%s", n++ ? " " : "unset ", rows[i].name);
    }
    return n ? DOCTOR_WARN : doctor_say(answer, DOCTOR_OK, NULL, "nothing that changes what is tested");
}

static bool knows_itself(void)
{
    cleanup_free char *maps = NULL;
    const uint64_t address = (uint64_t)(uintptr_t)doctor_run;
    struct symbols *symbols;
    struct symbol_stack stack;
    bool known = false;
    if (fd_read_file("/proc/self/maps", &maps, NULL) < 0 || symbols_open(maps, &symbols) < 0)
        return false;
    if (symbols_stack(symbols, &address, 1, true, &stack) == 0) {
        const char *function = stack.nframes ? stack.frames[stack.nframes - 1].function : NULL;
        known = function && strcmp(function, "doctor_run") == 0;
        symbol_stack_free(&stack);
    }
    symbols_close(symbols);
    return known;
}

static enum doctor_level check_symbols(struct doctor *doctor, struct doctor_answer *answer)
{
    if (!knows_itself())
        return doctor_say(answer, DOCTOR_WARN, "do not strip ftstress; is /proc mounted?",
                          "a function of ftstress itself is not found: stacks will show addresses");
    if (!doctor->has_probe)
        return doctor_say(answer, DOCTOR_OK, NULL, "functions are found");
    if (!doctor_has_symbols(doctor->probe.library))
        return doctor_say(answer, DOCTOR_WARN,
                          "use a build of the interpreter that is not stripped, or install its -dbg package",
                          "%s is stripped: stacks name only what it exports", doctor->probe.library);
    return doctor_say(answer, DOCTOR_OK, NULL, "functions are found, those of %s too", doctor->probe.library);
}

/* What the machine allows. Each is tried in a process that may fail. */

static volatile sig_atomic_t traps;
static volatile uint64_t watched;

static bool read_number(const char *path, long *ret_number)
{
    cleanup_free char *text = NULL;
    return fd_read_file(path, &text, NULL) == 0 && sscanf(text, "%ld", ret_number) == 1;
}

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

static enum doctor_level check_perf(struct doctor *doctor, struct doctor_answer *answer)
{
    long paranoid;
    int error = try_apart(watch_a_word);
    (void)doctor;
    if (error)
        fprintf(answer->text, "no hardware watchpoints: %s",
                error == SILENT ? "they never fire" : strerror(error));
    else
        fputs("hardware watchpoints fire", answer->text);
    if (read_number("/proc/sys/kernel/perf_event_paranoid", &paranoid))
        fprintf(answer->text, "; perf_event_paranoid is %ld", paranoid);
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

static enum doctor_level check_ptrace(struct doctor *doctor, struct doctor_answer *answer)
{
    long scope;
    int error = try_apart(trace_a_child);
    (void)doctor;
    if (error)
        fprintf(answer->text, "forbidden: %s; no stacks of children that hang",
                error == SILENT ? "?" : strerror(error));
    else
        fputs("children can be looked at", answer->text);
    if (read_number("/proc/sys/kernel/yama/ptrace_scope", &scope))
        fprintf(answer->text, "; ptrace_scope is %ld", scope);
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

static enum doctor_level check_stepping(struct doctor *doctor, struct doctor_answer *answer)
{
    (void)doctor;
    if (try_apart(step_once) == 0)
        return doctor_say(answer, DOCTOR_OK, NULL, "one instruction at a time works: so does the tripwire");
    return doctor_say(answer, DOCTOR_WARN,
                      "run on x86-64 hardware or a virtual machine; other detectors work without",
                      "no single steps: the tripwire is off");
}

/* Only root may read how many bits are random. */
static enum doctor_level check_aslr(struct doctor *doctor, struct doctor_answer *answer)
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

/* What the machine has. */

/* A file of our own control group; false where there is none. */
static bool cgroup_read(const char *file, char **ret_text)
{
    cleanup_free char *groups = NULL;
    char path[512];
    if (fd_read_file("/proc/self/cgroup", &groups, NULL) < 0)
        return false;
    const char *line = strncmp(groups, "0::", 3) == 0 ? groups : strstr(groups, "\n0::");
    if (!line)
        return false;
    line = strchr(line, '/');
    snprintf(path, sizeof path, "/sys/fs/cgroup%.*s/%s", line ? (int)strcspn(line, "\n") : 0,
             line ? line : "", file);
    return fd_read_file(path, ret_text, NULL) == 0;
}

static enum doctor_level check_processors(struct doctor *doctor, struct doctor_answer *answer)
{
    cpu_set_t set;
    double usable, quota, period;
    cleanup_free char *limit = NULL;
    (void)doctor;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : get_nprocs();
    usable = n;
    if (cgroup_read("cpu.max", &limit) && sscanf(limit, "%lf %lf", &quota, &period) == 2 &&
        quota / period < n)
        usable = quota / period;
    fprintf(answer->text, "%g", usable);
    if (usable < n)
        fprintf(answer->text, " of %d, by the limit of the control group", n);
    if (usable >= 2)
        return DOCTOR_OK;
    return doctor_say(answer, DOCTOR_WARN, "run where two or more may be used",
                      ": threads seldom run at the same moment, so little is found");
}

static uint64_t available_memory(void)
{
    unsigned long long kib = 0;
    double max, used;
    cleanup_free char *info = NULL, *max_text = NULL, *used_text = NULL;
    const char *line = fd_read_file("/proc/meminfo", &info, NULL) < 0 ? NULL : strstr(info, "MemAvailable:");
    if (line)
        sscanf(line, "MemAvailable: %llu", &kib);
    uint64_t bytes = (uint64_t)kib * 1024;
    if (!cgroup_read("memory.max", &max_text) || !cgroup_read("memory.current", &used_text))
        return bytes;
    if (sscanf(max_text, "%lf", &max) != 1 || sscanf(used_text, "%lf", &used) != 1 ||
        max - used >= (double)bytes)
        return bytes;
    return max > used ? (uint64_t)(max - used) : 0;
}

static enum doctor_level check_memory(struct doctor *doctor, struct doctor_answer *answer)
{
    uint64_t bytes = available_memory();
    (void)doctor;
    if (bytes >= 1024 * MIB)
        return doctor_say(answer, DOCTOR_OK, NULL, "%.1f GiB available",
                          (double)bytes / (1024.0 * (double)MIB));
    return doctor_say(answer, DOCTOR_WARN, "free some, or run fewer children at a time (--jobs 1)",
                      "%" PRIu64 " MiB available: children may be killed", bytes / MIB);
}

static void print_limit(FILE *out, rlim_t value, uint64_t unit)
{
    if (value == RLIM_INFINITY)
        fputs("unlimited", out);
    else if (value == 0)
        fputs("none", out);
    else if (unit == MIB)
        fprintf(out, "%" PRIu64 " MiB", (uint64_t)value / MIB);
    else
        fprintf(out, "%" PRIu64, (uint64_t)value);
}

static enum doctor_level check_limits(struct doctor *doctor, struct doctor_answer *answer)
{
    static const struct {
        const char *name;
        int resource;
        rlim_t least;
        uint64_t unit;
        const char *advice;
    } rows[] = {
        {"address space", RLIMIT_AS, RLIM_INFINITY, MIB, "ulimit -v unlimited"},
        {"processes", RLIMIT_NPROC, 256, 1, "ulimit -u 4096"},
        {"open files", RLIMIT_NOFILE, 256, 1, "ulimit -n 1024"},
        {"stack", RLIMIT_STACK, MIB, MIB, "ulimit -s 8192"},
        {"core files", RLIMIT_CORE, 0, MIB, NULL},
    };
    unsigned low = 0;
    (void)doctor;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit((__rlimit_resource_t)rows[i].resource, &limit);
        fprintf(answer->text, "%s%s ", i ? ", " : "", rows[i].name);
        print_limit(answer->text, limit.rlim_cur, rows[i].unit);
        if (limit.rlim_cur >= rows[i].least)
            continue;
        fputs(" (too low)", answer->text);
        fprintf(answer->advice, "%s%s", low++ ? "; " : "", rows[i].advice);
    }
    return low ? DOCTOR_WARN : DOCTOR_OK;
}

static enum doctor_level check_system(struct doctor *doctor, struct doctor_answer *answer)
{
    struct utsname name;
    (void)doctor;
    uname(&name);
    return doctor_say(answer, DOCTOR_OK, NULL, "glibc %s, Linux %s, %s", gnu_get_libc_version(), name.release,
                      name.machine);
}

static enum doctor_level check_arena(struct doctor *doctor, struct doctor_answer *answer)
{
    char reason[128];
    (void)doctor;
    if (glibc_layout_find(gnu_get_libc_version(), reason, sizeof reason))
        return doctor_say(answer, DOCTOR_OK, NULL, "the heaps of glibc %s can be walked",
                          gnu_get_libc_version());
    return doctor_say(answer, DOCTOR_WARN, "nothing to be done on this machine; other detectors work without",
                      "%s: no arena detector", reason);
}

static enum doctor_level check_valgrind(struct doctor *doctor, struct doctor_answer *answer)
{
    struct valgrind valgrind;
    char error[1024];
    if (!doctor->has_child)
        return doctor_say(answer, DOCTOR_SKIP, NULL, "there is no child to run under it");
    int result = valgrind_prepare(&valgrind, doctor->child_path, NULL, error, sizeof error);
    if (result == -ENOENT)
        return doctor_say(
            answer, DOCTOR_SKIP, NULL,
            "not installed; scripts/packages.sh valgrind installs what run --under valgrind needs");
    if (result) {
        say_sentence(answer, error);
        return DOCTOR_WARN;
    }
    doctor_say(answer, DOCTOR_OK, NULL, "Valgrind %s runs ftstress-child", valgrind.version);
    valgrind_clear(&valgrind);
    return DOCTOR_OK;
}

/* The environment comes before the symbols: the symboliser unsets DEBUGINFOD_URLS in this process. */
static const struct check checks[] = {
    {"child", check_child},
    {"interpreter", check_interpreter},
    {"abi", check_abi},
    {"gil", check_gil},
    {"numpy", check_numpy},
    {"packages", check_packages},
    {"environment", check_environment},
    {"symbols", check_symbols},
    {"stepping", check_stepping},
    {"arena", check_arena},
    {"ptrace", check_ptrace},
    {"perf", check_perf},
    {"aslr", check_aslr},
    {"processors", check_processors},
    {"memory", check_memory},
    {"limits", check_limits},
    {"system", check_system},
    {"valgrind", check_valgrind},
};

/* A line, at most WIDTH wide where blanks allow; further ones and those after a newline are indented. */
static void print_wrapped(FILE *out, const char *lead, const char *text)
{
    size_t column = INDENT + (size_t)fprintf(out, "%s", lead);
    for (const char *gap = ""; *text; text += *text != '\0') {
        size_t length = strcspn(text, " \n");
        if (*gap == '\n' || (*gap && column + 1 + length > WIDTH)) {
            fprintf(out, "\n%*s", INDENT, "");
            column = INDENT + (size_t)fprintf(out, "%*s", (int)strlen(lead), *gap == '\n' ? lead : "");
            gap = "";
        }
        column += (size_t)fprintf(out, "%s%.*s", gap, (int)length, text);
        text += length;
        gap = *text == '\n' ? "\n" : " ";
    }
    fputc('\n', out);
}

static void print_check(FILE *out, const char *name, enum doctor_level level, bool colour, const char *text,
                        const char *advice)
{
    static const struct {
        const char *word, *colour;
    } levels[] = {
        [DOCTOR_OK] = {"ok", "\033[32m"},
        [DOCTOR_SKIP] = {"skip", "\033[2m"},
        [DOCTOR_WARN] = {"warn", "\033[33m"},
        [DOCTOR_BROKEN] = {"BROKEN", "\033[1;31m"},
    };
    fprintf(out, "%s%-6s%s  %-11s  ", colour ? levels[level].colour : "", levels[level].word,
            colour ? "\033[0m" : "", name);
    print_wrapped(out, "", text);
    if (*advice) {
        fprintf(out, "%*s", INDENT, "");
        print_wrapped(out, "-> ", advice);
    }
}

/* Returns the level, or -ENOMEM. */
static int look_and_print(const struct check *check, struct doctor *doctor, bool colour, FILE *out)
{
    cleanup_free char *text = NULL, *advice = NULL;
    size_t text_size, advice_size;
    struct doctor_answer answer = {open_memstream(&text, &text_size), open_memstream(&advice, &advice_size)};
    bool open = answer.text && answer.advice;
    enum doctor_level level = open ? check->look(doctor, &answer) : DOCTOR_BROKEN;
    if (answer.text)
        fclose(answer.text);
    if (answer.advice)
        fclose(answer.advice);
    if (!open || !text || !advice)
        return -ENOMEM;
    print_check(out, check->name, level, colour, text, advice);
    fflush(out);
    return (int)level;
}

/* It changes this process, and so is the last to look. */
static void look_at_tsan(const struct doctor *doctor, const char *urls, bool colour, FILE *out,
                         unsigned seen[])
{
    struct doctor_row rows[DOCTOR_TSAN_ROWS];
    size_t n = doctor_tsan(doctor->has_probe ? &doctor->probe : NULL, urls, rows);
    for (size_t i = 0; i < n; i++) {
        const char *advice = rows[i].text && rows[i].level == DOCTOR_WARN ? advice_of(rows[i].text) : NULL;
        if (advice)
            rows[i].text[advice - 2 - rows[i].text] = '\0';
        print_check(out, rows[i].name, rows[i].level, colour, rows[i].text ? rows[i].text : "",
                    advice ? advice : "");
        seen[rows[i].level]++;
        free(rows[i].text);
    }
}

static void print_verdict(FILE *out, unsigned warnings, unsigned broken)
{
    if (broken)
        fprintf(out, "ftstress: runs cannot work here; %u check%s broken\n", broken,
                broken == 1 ? " is" : "s are");
    else
        fprintf(out, "ftstress: runs will work here; %u warning%s\n", warnings, warnings == 1 ? "" : "s");
}

int doctor_run(const char *python, const char *child_path, bool colour, FILE *out)
{
    struct doctor doctor = {.asked = python, .child_path = child_path};
    const char *urls = getenv("DEBUGINFOD_URLS"); /* the text outlives that it is unset */
    unsigned seen[DOCTOR_BROKEN + 1] = {0};
    int level = 0;
    for (size_t i = 0; i < sizeof checks / sizeof *checks && level >= 0; i++) {
        level = look_and_print(&checks[i], &doctor, colour, out);
        if (level >= 0)
            seen[level]++;
    }
    if (level >= 0)
        look_at_tsan(&doctor, urls, colour, out, seen);
    free(doctor.child_python);
    probe_clear(&doctor.probe);
    if (level < 0)
        return STATUS_HARNESS;
    print_verdict(out, seen[DOCTOR_WARN], seen[DOCTOR_BROKEN]);
    return seen[DOCTOR_BROKEN] ? STATUS_UNTESTED : STATUS_CLEAN;
}
