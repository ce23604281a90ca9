/* The functions that the new processes run: one learns, some run lone passes, most run a race.
 *
 * Contract. The child's main thread in its own new process, attached, with no other thread. What they learn goes to
 * memory that all of them share; no two of them run at the same time.
 */
#pragma once

#include "child/first/compare.h"
#include "child/first/warm.h"
#include "child/run/run.h"
#include "detectors/result/exception.h"
#include "detectors/watch/candidates.h"

#define PROCESS_WORDS 256

/* Lone passes before the races, in different orders of the calls. */
#define PROCESS_LONE_PASSES 6

/* Results of the processes, in memory shared with them. */
struct process_shared {
    struct warm_list list;
    bool is_alone; /* the setup leaves no other thread behind that a fork would lose */
    bool mutable, changes, opaque, lazy, has_writer, has_output, has_case;
    char why_mutable[160];
    uint64_t setup_time; /* ns */
    uint64_t call_time;  /* ns of an iteration on one thread */
    unsigned nexpected;
    uint64_t expected[EXCEPTION_EXPECTED];
    bool gave_up; /* a process cannot go on, and the harness ended it */
    _Atomic uint64_t findings;
    unsigned nwords; /* that the first calls of two threads touch: races stall there */
    struct candidate words[PROCESS_WORDS];
    struct compare_table table;
};

/* What the zygote gives to each process. */
struct process_context {
    struct process_shared *shared;
    int wire, quiet; /* the driver's; a file for records that are no evidence */
    bool compares;   /* results of races */
};

extern struct process_context process_context;

/* Learns what the setup imports, and what the statements change and raise on one thread. */
void process_learn(struct run *run, uint64_t number);
/* Learns the results of the first calls and of a later one, with one thread at a time. order: as in order.h. */
void process_lone(struct run *run, uint64_t order);
/* Steps through the first calls of two threads, and learns the words that both touch. A process has the same addresses
 * as the one before, where it makes the same calls. */
void process_trace(struct run *run, uint64_t number);
/* Lets all threads make their first calls together. */
void process_race(struct run *run, uint64_t number);
