/* Stacks of the threads of a live process.
 *
 * A separate thread traces, and is joined before the functions return: when it ends, the kernel releases all its
 * tracees, even those that never stopped; PTRACE_DETACH releases stopped ones only. Tracees are seized: no SIGSTOP is
 * sent, and a stopped process stays stopped. Exits are left to the caller's waitpid. The process is stopped only while
 * it is unwound; names are looked up afterwards. Every wait ends at STOP_TIME. */
#include "driver/symbol/symbol.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"

#include <dirent.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define STOP_TIME CLOCK_SECOND
#define MAX_FRAMES 256

struct tracee {
    pid_t tid;
    char name[16];
    bool is_stopped;
    bool is_gone;
    int signal; /* that stopped it; delivered at the end */
    size_t n;
    uint64_t *addresses;
};

struct walk {
    pid_t pid;
    const pid_t *wanted; /* `max` of them; NULL: all */
    size_t max, n;
    struct tracee *tracees;
    char *maps;
    int error;
};

static bool is_dead(pid_t pid, pid_t tid)
{
    cleanup_free char *stat = fd_read_task(pid, tid, "stat");
    const char *state = stat ? strrchr(stat, ')') : NULL;
    return !state || strchr("ZXx", state[2]);
}

static bool is_wanted(const struct walk *walk, pid_t tid)
{
    bool wanted = !walk->wanted, known = false;
    for (size_t i = 0; i < walk->max && !wanted; i++)
        wanted = walk->wanted[i] == tid;
    for (size_t i = 0; i < walk->n && !known; i++)
        known = walk->tracees[i].tid == tid;
    return wanted && !known;
}

static void seize(struct walk *walk, pid_t tid)
{
    if (walk->n == walk->max || !is_wanted(walk, tid))
        return;
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
        if (errno == EPERM && !is_dead(walk->pid, tid))
            walk->error = -EPERM;
        return;
    }
    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
    struct tracee *tracee = LIST_ADD(walk->tracees, walk->n);
    cleanup_free char *name = fd_read_task(walk->pid, tid, "comm");
    if (!tracee)
        return;
    tracee->tid = tid;
    if (name)
        snprintf(tracee->name, sizeof tracee->name, "%.*s", (int)strcspn(name, "\n"), name);
}

static void seize_new(struct walk *walk)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)walk->pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        return;
    for (struct dirent *entry; (entry = readdir(tasks));)
        if (entry->d_name[0] != '.')
            seize(walk, (pid_t)atol(entry->d_name));
    closedir(tasks);
}

/* Without WEXITED: the driver's own waitpid must still get the exit. */
static void await_stop(pid_t pid, struct tracee *tracee, uint64_t deadline)
{
    do {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)tracee->tid, &info, WSTOPPED | WNOHANG | __WALL) == 0 && info.si_pid) {
            tracee->is_stopped = true;
            if (info.si_status >> 8 != PTRACE_EVENT_STOP)
                tracee->signal = info.si_status & 0x7f;
        } else if (is_dead(pid, tracee->tid)) {
            tracee->is_gone = true;
        } else {
            nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        }
    } while (!tracee->is_stopped && !tracee->is_gone && clock_now() < deadline);
}

/* Threads that still run may start others, hence the rounds. */
static void stop(struct walk *walk)
{
    uint64_t deadline = clock_now() + STOP_TIME;
    size_t done = 0;
    do {
        seize_new(walk);
        if (done == walk->n)
            return;
        for (; done < walk->n; done++)
            await_stop(walk->pid, &walk->tracees[done], deadline);
    } while (clock_now() < deadline);
}

static void resume(struct walk *walk)
{
    for (size_t i = 0; i < walk->n; i++) {
        const struct tracee *tracee = &walk->tracees[i];
        if (tracee->is_stopped)
            ptrace(PTRACE_DETACH, tracee->tid, NULL, (void *)(intptr_t)tracee->signal);
    }
}

static int add_frame(Dwfl_Frame *frame, void *argument)
{
    struct tracee *tracee = argument;
    Dwarf_Addr pc;
    if (tracee->n == MAX_FRAMES || !dwfl_frame_pc(frame, &pc, NULL))
        return DWARF_CB_ABORT;
    tracee->addresses[tracee->n++] = pc;
    return DWARF_CB_OK;
}

/* Returns false when the registers could not be read because the process was killed: libdwfl would abort at the next
 * thread. */
static bool unwind(Dwfl *dwfl, struct tracee *tracee)
{
    tracee->addresses = calloc(MAX_FRAMES, sizeof *tracee->addresses);
    if (!tracee->addresses)
        return false;
    dwfl_getthread_frames(dwfl, tracee->tid, add_frame, tracee);
    return tracee->n > 0;
}

/* Unwinding needs no debug information; the look-up by build ID does not use the network. */
static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = dwfl_build_id_find_debuginfo,
};

static void unwind_stopped(struct walk *walk, pid_t any)
{
    Dwfl *dwfl = dwfl_begin(&callbacks);
    if (!dwfl)
        return;
    dwfl_report_begin(dwfl);
    int error = dwfl_linux_proc_report(dwfl, any);
    dwfl_report_end(dwfl, NULL, NULL);
    if (!error && dwfl_linux_proc_attach(dwfl, any, true) == 0)
        for (size_t i = 0; i < walk->n; i++)
            if (walk->tracees[i].is_stopped && !unwind(dwfl, &walk->tracees[i]))
                break;
    dwfl_end(dwfl);
}

static void *trace(void *argument)
{
    struct walk *walk = argument;
    size_t at = 0;
    stop(walk);
    while (at < walk->n && !walk->tracees[at].is_stopped)
        at++;
    if (at < walk->n) {
        /* A leader that ended before its threads has empty maps; those of any stopped thread are whole. */
        walk->maps = fd_read_task(walk->pid, walk->tracees[at].tid, "maps");
        unwind_stopped(walk, walk->tracees[at].tid);
        walk->error = 0;
    } else if (!walk->error) {
        walk->error = -ESRCH;
    }
    resume(walk);
    return NULL;
}

/* A thread that did not stop gets no frames. */
static int describe_all(const struct walk *walk, struct symbol_thread **ret_threads, size_t *ret_n)
{
    struct symbols *symbols;
    int error = walk->maps ? symbols_open(walk->maps, &symbols) : -ESRCH;
    if (error)
        return error;
    size_t n = 0;
    struct symbol_thread *threads = calloc(walk->n, sizeof *threads);
    error = threads ? 0 : -ENOMEM;
    for (size_t i = 0; i < walk->n && !error; i++) {
        const struct tracee *tracee = &walk->tracees[i];
        if (tracee->is_gone)
            continue;
        threads[n].tid = tracee->tid;
        memcpy(threads[n].name, tracee->name, sizeof tracee->name);
        error = symbols_stack(symbols, tracee->addresses, tracee->n, true, &threads[n++].stack);
    }
    symbols_close(symbols);
    if (error) {
        symbol_threads_free(threads, n);
        return error;
    }
    *ret_threads = threads;
    *ret_n = n;
    return 0;
}

int symbols_threads(pid_t pid, const pid_t *tids, size_t n, struct symbol_thread **ret_threads, size_t *ret_n)
{
    struct walk walk = {.pid = pid, .wanted = tids, .max = n};
    pthread_t tracer;
    int error = -pthread_create(&tracer, NULL, trace, &walk);
    if (!error) {
        pthread_join(tracer, NULL);
        error = walk.error ? walk.error : describe_all(&walk, ret_threads, ret_n);
    }
    for (size_t i = 0; i < walk.n; i++)
        free(walk.tracees[i].addresses);
    free(walk.tracees);
    free(walk.maps);
    return error;
}

void symbol_threads_free(struct symbol_thread *threads, size_t n)
{
    for (size_t i = 0; i < n; i++)
        symbol_stack_free(&threads[i].stack);
    free(threads);
}
