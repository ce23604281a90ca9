/* Tracing in rounds: workers step through one iteration each, one after another, while the others wait.
 *
 * Contract. Child main calls tracing_start once, and tracing_begin_round between rounds. Then each worker calls
 * tracing_next before the iteration that tracing_begin_round returned, attached, until it returns false; it waits there
 * detached. A worker that ends its round calls tracing_leave: if it has not come to that iteration, no thread is
 * traced. After true, this worker alone runs: it makes its iteration, with tracing_begin_call and tracing_end_call
 * around each call, and calls tracing_pass. A turn is passed by a compare-and-swap on its number, which the others read
 * after it: so they see the log of the one before. The worker that passes the last turn adds the candidates. A worker
 * that waits too long ends the turns for all: a call may wait for another thread.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

/* Returns 0 or -errno; -ENOTSUP where no thread can be stepped. */
int tracing_start(void);
bool tracing_is_on(void);

struct tracing_round {
    unsigned threads; /* workers that step, from number 0 on */
    PyObject *names;  /* the shared objects; borrowed */
    bool fresh;       /* they are new: candidates in the old ones are forgotten, and sought in the new ones */
    uint64_t iterations; /* of each worker in this round */
    uint64_t time;       /* ns for the whole run; tracing takes a small part of it */
    uint64_t iteration;  /* ns that one takes */
};

/* The first rounds are traced at their first iteration, later ones at a random one. Attached. Returns the number of
 * the iteration; UINT64_MAX: this round is not traced. */
uint64_t tracing_begin_round(const struct tracing_round *round);

/* Steps through the calls of the first threads, in a process that runs one thread at a time, until tracing_end_alone
 * adds the candidates. time: ns for the whole run; a call takes a small part of it. begin: 0 or -errno. Child main. */
int tracing_begin_alone(unsigned threads, uint64_t time);
void tracing_end_alone(PyObject *names);
/* Before and after a call in such a process, on the thread that makes it. */
void tracing_enter_alone(unsigned thread);
void tracing_leave_alone(void);

bool tracing_next(unsigned thread);
void tracing_pass(void);
void tracing_leave(void);

/* Sends how many calls were stepped, and how many words they share at most. Child main, after the rounds. */
void tracing_send(int wire);

/* The thread has the turn. */
extern __thread bool tracing_turn __attribute__((tls_model("initial-exec")));

void tracing_step(unsigned thread);
void tracing_stop(void);

static inline void tracing_begin_call(unsigned thread)
{
    if (tracing_turn)
        tracing_step(thread);
}

static inline void tracing_end_call(void)
{
    if (tracing_turn)
        tracing_stop();
}
