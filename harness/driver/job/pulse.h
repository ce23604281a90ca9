/* The time that a child without progress had for it: a busy machine withholds some. Driver, one thread.
 *
 * Contract. The kernel's counters of each thread in /proc are read a few times a second. Time counts in full while all
 * threads sleep. While threads want a processor, it counts by the share that they got of what they could use. While one
 * reads a disk, it does not count, for PULSE_DISK_MOST at most. Counters that the kernel does not keep count
 * nothing. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"

#define PULSE_DISK_MOST (60 * CLOCK_SECOND)

struct pulse_thread {
    pid_t tid;
    uint64_t ran, waited; /* ns: on a processor, and for one */
};

/* Zero-initialised. Times are in ns, since the last progress. */
struct pulse {
    struct pulse_thread *threads; /* at the last look */
    size_t nthreads;
    uint64_t looked_at; /* 0: not since the last progress */
    uint64_t passed;
    uint64_t counted; /* of `passed`: the child could make progress */
    uint64_t ran;     /* processor time of all threads */
    uint64_t disk;    /* of `passed`: a thread was in a disk wait */
};

/* What one look at a thread finds. */
struct pulse_sight {
    uint64_t ran, waited; /* since the last look */
    char state;           /* as in /proc/PID/stat */
};

/* Starts again at progress. */
void pulse_reset(struct pulse *pulse);
void pulse_look(struct pulse *pulse, pid_t pid, uint64_t now);
void pulse_clear(struct pulse *pulse);

/* Adds what the threads did in `passed` ns, on this number of processors. */
void pulse_add(struct pulse *pulse, uint64_t passed, const struct pulse_sight *sights, size_t n,
               unsigned processors);

/* The state of a process as in /proc/PID/stat; 0: it has ended. */
char pulse_state(pid_t pid);
