/* See birth.h for the contract. */
#include "child/first/birth.h"

#include <Python.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "child/crash/crash.h"
#include "core/wire/status.h"

/* Shared with the processes. */
static _Atomic bool *reached;

/* Kills this process when its time is over. */
static void set_timer(uint64_t limit)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    const struct itimerspec when = {
        .it_value = {(time_t)(limit / CLOCK_SECOND), (long)(limit % CLOCK_SECOND)}};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
        timer_settime(timer, 0, &when, NULL);
}

static void make_silent(uint64_t limit)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
    }
    crash_silence();
    set_timer(limit);
}

static _Noreturn void live(struct run *run, void (*act)(struct run *, uint64_t), uint64_t number,
                           uint64_t limit, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(STATUS_HARNESS);
    PyOS_AfterFork_Child();
    atomic_store(&run->board->fork, getpid());
    atomic_store(&run->board->slots[BOARD_MAIN].tid, gettid());
    if (limit != BIRTH_RACE)
        make_silent(limit);
    act(run, number);
    fflush(NULL);
    atomic_store(reached, true);
    _exit(STATUS_CLEAN);
}

static void await(pid_t pid, struct birth_end *end)
{
    PyThreadState *state = PyEval_SaveThread();
    while (waitpid(pid, &end->status, 0) < 0 && errno == EINTR)
        continue;
    PyEval_RestoreThread(state);
    end->reached = atomic_load(reached) && WIFEXITED(end->status) && WEXITSTATUS(end->status) == 0;
}

int birth(struct run *run, void (*act)(struct run *run, uint64_t number), uint64_t number, uint64_t limit,
          struct birth_end *ret_end)
{
    pid_t parent = getpid();
    if (!reached) {
        void *at = mmap(NULL, sizeof *reached, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED)
            return -errno;
        reached = at;
    }
    atomic_store(reached, false);
    uint64_t began = clock_now();
    fflush(NULL);
    PyOS_BeforeFork();
    pid_t pid = fork();
    int error = errno;
    if (pid == 0)
        live(run, act, number, limit, parent);
    PyOS_AfterFork_Parent();
    if (pid < 0)
        return -error;
    atomic_store(&run->board->fork, pid);
    await(pid, ret_end);
    ret_end->time = clock_now() - began;
    atomic_store(&run->board->fork, 0);
    atomic_store(&run->board->slots[BOARD_MAIN].tid, gettid());
    atomic_fetch_add(&run->board->rounds, 1);
    return 0;
}

void birth_end_alike(const struct birth_end *end)
{
    if (WIFSIGNALED(end->status))
        crash_die_of(WTERMSIG(end->status));
    _exit(WEXITSTATUS(end->status));
}

static unsigned count_tasks(void)
{
    DIR *folder = opendir("/proc/self/task");
    unsigned n = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        n += entry->d_name[0] != '.';
    if (folder)
        closedir(folder);
    return n;
}

bool birth_is_alone(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return count_tasks() == 1;
}
