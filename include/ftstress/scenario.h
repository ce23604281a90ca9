/* What a scenario author includes: a step written in C, for targets that Python statements would slow down.
 *
 * A scenario is a plan in scenarios/NAME.yaml. A plan with `native: NAME` calls the step of scenarios/NAME.c, which is
 * a descriptor in one file and a line in scenarios/table.c. Copy null.c and null.yaml to begin.
 */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

/* What a worker knows. Lives as long as the worker; everything in it is borrowed. */
struct ft_worker {
    unsigned thread_index;
    uint64_t iteration_index;
    PyObject *const *inputs; /* the plan's inputs, in its order, shared or private as the plan says */
    unsigned ninputs;
    PyObject *names; /* dict: what setup and thread setup left, this thread's own */
};

struct ft_scenario {
    const char *name; /* as the plan's `native` says it */
    /* Worker thread, attached, before its first step and again whenever the inputs are new. May be NULL.
     * On success *ret_state is what step and end are given. Returns 0, or -1 with a Python exception set. */
    int (*begin)(const struct ft_worker *worker, void **ret_state);
    /* Worker thread, attached. Returns a new reference (None will do), or NULL with a Python exception set. Must not
     * block while attached. */
    PyObject *(*step)(const struct ft_worker *worker, void *state);
    /* Worker thread, attached. May be NULL. */
    void (*end)(void *state);
};

/* Every native scenario, alphabetically; ends with NULL. */
extern const struct ft_scenario *const ft_scenarios[];
