/* A forked child that shares memory with its test: it reports that it is ready, and beats while it runs. Included
 * after cmocka.h. */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

/* Written by a child, read by us. */
static struct {
    atomic_int ready;
    atomic_ulong beats;
    atomic_ulong handled;
    atomic_ulong lost;
} * shared;

/* Its first instruction raises the signal, so the byte before belongs to something else. */
void trap_at_start(void);
__asm__(".text\n.globl trap_at_start\n.type trap_at_start, @function\ntrap_at_start:\n.cfi_startproc\n"
#ifdef __x86_64__
        "ud2\n"
#else
        ".word 0\n"
#endif
        ".cfi_endproc\n.size trap_at_start, .-trap_at_start\n");

static inline void *nothing(void *argument)
{
    return argument;
}

static inline void child_churning(void)
{
    for (shared->ready++;; shared->beats++) {
        pthread_t threads[4];
        for (size_t i = 0; i < 4; i++)
            pthread_create(&threads[i], NULL, nothing, NULL);
        for (size_t i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
    }
}

static inline pid_t start(void (*body)(void), int ready)
{
    memset(shared, 0, sizeof *shared);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        body();
        _exit(0);
    }
    while (shared->ready < ready)
        usleep(1000);
    return pid;
}

static inline void kill_and_check(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}
