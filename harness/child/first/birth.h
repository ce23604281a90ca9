/* New processes, forked from the child: the zygote. Each runs one function and ends.
 *
 * Contract. Child main, attached, with no other thread in the process: a fork has only the thread that made it, and
 * locks that others held would stay closed. A process dies with the zygote, and the zygote reaps each one before it
 * makes the next. The descriptor of the records is shared: a record is one write.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "child/run/run.h"

/* How a process ended. */
struct birth_end {
    bool reached;  /* the end of its function */
    int status;    /* of waitpid */
    uint64_t time; /* ns */
};

/* A process that runs one thread at a time: it writes no output, its crash is silent, and it is killed after this time,
 * in ns. 0: a process that runs threads: it reports its crash, and the driver ends it when it hangs. */
#define BIRTH_RACE 0

/* Forks, runs the function in the new process, and waits for its end. Returns 0, or -errno if there is no process. */
int birth(struct run *run, void (*act)(struct run *run, uint64_t number), uint64_t number, uint64_t limit,
          struct birth_end *ret_end);

/* Ends this process as the other one ended, for the driver to judge. */
_Noreturn void birth_end_alike(const struct birth_end *end);

/* Does the process have one thread only, after the handlers of a fork have run? */
bool birth_is_alone(void);
