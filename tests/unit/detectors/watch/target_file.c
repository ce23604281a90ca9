/* A file under test: code, writable words, and a relocated constant, which is read-only after loading. */
#include "detectors/watch/target_file.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED extern long own_words[512];
EXPORTED extern long *const own_relocated[4];
EXPORTED target_call own_call, own_lazy, own_atomic, own_loop, own_fork, own_long, own_popf, own_copy;

long own_words[512] = {1};
long *const own_relocated[4] = {own_words, own_words + 1, own_words + 2, own_words + 3};

/* A plain counter. */
long own_call(struct target_cache *cache, long n)
{
    (void)cache;
    return own_words[n & 511]++ + *own_relocated[n & 3];
}

/* A cache that the first call fills. */
long own_lazy(struct target_cache *cache, long n)
{
    if (!cache->filled) {
        cache->value = n * n;
        cache->filled = 1;
    }
    return cache->value;
}

long own_atomic(struct target_cache *cache, long n)
{
    return __atomic_fetch_add(&cache->value, n, __ATOMIC_SEQ_CST);
}

/* Writes an array: many words, one instruction. */
long own_loop(struct target_cache *cache, long n)
{
    (void)cache;
    for (long i = 64; i < 128; i++)
        ((volatile long *)own_words)[i] = n;
    return own_words[64];
}

/* Runs for n milliseconds of processor time. */
long own_long(struct target_cache *cache, long n)
{
    struct timespec now;
    long until, time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    until = now.tv_sec * 1000 + now.tv_nsec / 1000000 + n;
    do {
        for (int i = 0; i < 1000; i++)
            ++*(volatile long *)&cache->value;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        time = now.tv_sec * 1000 + now.tv_nsec / 1000000;
    } while (time < until);
    return n;
}

long own_fork(struct target_cache *cache, long n)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit((int)n);
    if (pid > 0 && waitpid(pid, &status, 0) < 0)
        status = -1;
    cache->value = status;
    return WEXITSTATUS(status);
}

static long set_mask(int how, const uint64_t *mask)
{
    long result;
    register long size __asm__("r10") = sizeof *mask;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_rt_sigprocmask), "D"((long)how), "S"(mask), "d"(0), "r"(size)
                     : "rcx", "r11", "memory");
    return result;
}

/* Blocks all signals meanwhile, with its own system call. */
long own_popf(struct target_cache *cache, long n)
{
    const uint64_t all = UINT64_MAX, none = 0;
    unsigned long flags;
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags) : : "memory");
    set_mask(SIG_SETMASK, &all);
    cache->value = n;
    set_mask(SIG_SETMASK, &none);
    __asm__ volatile("pushq %0\n\tpopfq" : : "r"(flags) : "memory", "cc");
    return cache->value;
}

/* The C library's instructions. */
long own_copy(struct target_cache *cache, long n)
{
    char text[256];
    memset(text, (int)n, sizeof text);
    memcpy(own_words + 200, text, sizeof text);
    cache->filled++;
    return own_words[200];
}
