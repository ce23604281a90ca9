/* Exercises an allocator and nothing else. The benchmark runs it under each memory tool in turn.
 *
 *   churn ops THREADS OPS      OPS times, shared among the threads: a block of 16..8191 bytes takes the place of
 *                              another, which one time in eight another thread frees than the one that made it
 *   churn live BLOCKS SECONDS  BLOCKS live blocks of 16..255 bytes that rest for SECONDS: a heap for a checker to walk
 *
 * Prints one line of JSON: the operations after the warm-up, their processor seconds and wall seconds, and the highest
 * resident memory of this process in KiB (VmHWM, because ru_maxrss would include the parent's). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { slots = 1024, exchanged = 1024, threads_most = 64 };

struct worker {
    pthread_t thread;
    uint64_t random;
    long ops;
    char *blocks[slots];
};

static pthread_barrier_t warmed_up, measured;
static _Atomic(char *) exchange[exchanged];

/* xorshift64: the seed is the number of the thread, so each run makes the same requests. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* As many blocks in each of `octaves` octaves from 16 bytes up. */
static char *new_block(uint64_t r, unsigned octaves)
{
    size_t low = (size_t)16 << ((r & 0xffff) % octaves);
    size_t size = low + ((r >> 16) & (low - 1));
    char *block = malloc(size);
    if (block == NULL)
        abort();
    ((volatile char *)block)[0] = (char)r;
    ((volatile char *)block)[size - 1] = (char)r;
    return block;
}

static void replace_blocks(struct worker *w, long ops)
{
    for (long i = 0; i < ops; i++) {
        uint64_t r = next_random(&w->random);
        char **slot = &w->blocks[(r >> 32) % slots];
        char *old = *slot;
        if ((r >> 61) == 0)
            old = atomic_exchange(&exchange[(r >> 42) % exchanged], old);
        free(old);
        *slot = new_block(r, 9);
    }
}

static void *work(void *argument)
{
    struct worker *w = argument;
    replace_blocks(w, 4L * slots + w->ops / 8);
    pthread_barrier_wait(&warmed_up);
    pthread_barrier_wait(&measured);
    replace_blocks(w, w->ops);
    return NULL;
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long peak_kib(void)
{
    char line[256];
    long peak = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && peak < 0 && fgets(line, sizeof line, status) != NULL)
        sscanf(line, "VmHWM: %ld", &peak);
    if (status != NULL)
        fclose(status);
    return peak;
}

static void report(long items, double began_wall, double began_cpu)
{
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - began_cpu,
           wall = seconds_of(CLOCK_MONOTONIC) - began_wall;
    printf("{\"items\": %ld, \"cpu\": %.6f, \"wall\": %.6f, \"peak_kib\": %ld}\n", items, cpu, wall,
           peak_kib());
}

static int churn(int threads, long ops)
{
    static struct worker workers[threads_most];
    double wall, cpu;
    pthread_barrier_init(&warmed_up, NULL, (unsigned)threads + 1);
    pthread_barrier_init(&measured, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++) {
        workers[i].random = 0x9e3779b97f4a7c15u * (unsigned)(i + 1);
        workers[i].ops = ops / threads;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 1;
    }
    pthread_barrier_wait(&warmed_up);
    wall = seconds_of(CLOCK_MONOTONIC);
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    pthread_barrier_wait(&measured);
    for (int i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    report(ops / threads * threads, wall, cpu);
    return 0;
}

static int live(long blocks, double seconds)
{
    struct timespec rest = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    uint64_t state = 1;
    double wall = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    char **all = calloc((size_t)blocks, sizeof *all);
    if (all == NULL)
        return 1;
    for (long i = 0; i < blocks; i++)
        all[i] = new_block(next_random(&state), 4);
    nanosleep(&rest, NULL);
    report(blocks, wall, cpu);
    for (long i = 0; i < blocks; i++)
        free(all[i]);
    free(all);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "ops") == 0 && atoi(argv[2]) >= 1 && atoi(argv[2]) <= threads_most)
        return churn(atoi(argv[2]), atol(argv[3]));
    if (argc == 4 && strcmp(argv[1], "live") == 0)
        return live(atol(argv[2]), atof(argv[3]));
    fputs("usage: churn ops THREADS OPS | churn live BLOCKS SECONDS\n", stderr);
    return 2;
}
