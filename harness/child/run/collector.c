/* See collector.h for the contract. */
#include "child/run/collector.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/prng.h"
#include "child/crash/crash.h"

#define MICROSECOND UINT64_C(1000)
#define PAUSE_MAX (4000 * MICROSECOND)
#define LOOK_EVERY (200 * MICROSECOND)
#define STREAM 0xc011ec7
/* A pause is at least this multiple of the collection before it. */
#define REST 3

/* Returns the time of the next collection. Attached in the collection alone. */
static uint64_t collect(struct run *run, PyThreadState *state, struct prng *prng)
{
    uint64_t began = clock_now();
    atomic_fetch_add(&run->board->collections, 1);
    PyEval_RestoreThread(state);
    PyGC_Collect();
    PyEval_SaveThread();
    atomic_fetch_add(&run->board->collections, 1);
    uint64_t now = clock_now();
    return now + REST * (now - began) + (uint64_t)(prng_unit(prng) * (double)PAUSE_MAX);
}

static void *collector_main(void *argument)
{
    const struct collector *collector = argument;
    struct run *run = collector->run;
    struct prng prng = prng_stream(run->plan->seed, STREAM);
    uint64_t next = clock_now() + (uint64_t)(prng_unit(&prng) * (double)PAUSE_MAX);
    pthread_setname_np(pthread_self(), "collector");
    crash_thread_start(RECORD_MAIN);
    atomic_store(&run->board->collections, 0);
    atomic_store(&run->board->collector, gettid());
    PyThreadState *state = PyThreadState_New(collector->interpreter);
    for (;;) {
        barrier_wait(&run->barrier);
        if (atomic_load(&run->over))
            break;
        barrier_wait(&run->barrier);
        while (!barrier_lacks(&run->barrier, 1)) /* until all others have come back */
            if (clock_now() >= next)
                next = collect(run, state, &prng);
            else
                usleep(LOOK_EVERY / MICROSECOND);
        barrier_wait(&run->barrier);
    }
    atomic_store(&run->board->collector, 0);
    PyEval_RestoreThread(state);
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
    crash_thread_end();
    return NULL;
}

int collector_start(struct collector *collector, struct run *run)
{
    *collector = (struct collector){.run = run, .interpreter = PyInterpreterState_Get()};
    return -pthread_create(&collector->thread, NULL, collector_main, collector);
}
