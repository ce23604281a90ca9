/* The results of the first calls in a process, compared with those of processes in which one thread runs at a time.
 *
 * Contract. The child's main thread makes the table, in memory that it shares with the processes that it forks. A
 * process fills or checks it alone: in its lone passes one thread at a time calls compare_learn. In a race all workers
 * call compare_race, which reads the table and counts with atomics; the first difference fills in its text. The main
 * thread reads after the process has ended.
 */
#pragma once

#include <Python.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "child/run/run.h"
#include "detectors/result/diverge.h"

/* Calls of a thread in one process. */
#define COMPARE_CALLS 3
#define COMPARE_THREADS 64
#define COMPARE_STEPS 16
/* Bytes of all results. */
#define COMPARE_POOL ((size_t)32 << 20)

enum compare_state { COMPARE_NONE, COMPARE_VALUE, COMPARE_REFUTED };

/* The result of one call: of this thread, iteration and statement. */
struct compare_entry {
    enum compare_state state;
    uint32_t size;
    size_t offset;
};

/* The first difference in a process. */
struct compare_difference {
    _Atomic bool claimed;
    bool afterwards; /* the threads got the right results, and later calls on one thread did not */
    bool stays;      /* later calls of the same process on one thread are wrong, too */
    unsigned thread, iteration, step;
    char sentence[512];
};

struct compare_table {
    struct compare_entry entries[COMPARE_THREADS][COMPARE_CALLS][COMPARE_STEPS];
    char why[COMPARE_THREADS][COMPARE_STEPS][96]; /* by role and step: why a result is not compared */
    size_t used;
    _Atomic uint64_t differing; /* of all processes */
    struct compare_difference difference;
    char pool[COMPARE_POOL];
};

/* Sets the table for all later calls. */
void compare_use(struct compare_table *shared);

/* The hooks of struct run for a lone pass, for a race, and for the calls on one thread after it. */
void compare_learn(struct worker *worker, unsigned step, PyObject *result);
void compare_race(struct worker *worker, unsigned step, PyObject *result);
void compare_after(struct worker *worker, unsigned step, PyObject *result);

/* One thread made this call of the first worker of a role with others' iterations in between. Another result refutes
 * those of all threads of the role. */
void compare_interleaved(const struct diverge_step *at, PyObject *result);

/* Why the results of this role and statement are not compared; "" where no result is refuted. */
const char *compare_why(unsigned role, unsigned step);

/* Refutes all results of a statement that has a refuted one: its results depend on the order of the calls. */
void compare_settle(const struct run *run);

/* Does each result have one value in all lone passes? Of one role and statement, with -1 of all. */
bool compare_is_whole(const struct run *run, int role, int step);
/* Is there a result with a value? */
bool compare_any(const struct run *run);
/* Is the difference one of a result that still has one value in all lone passes? */
bool compare_stands(void);
