/* The interface of native scenarios: a step written in C, for targets that Python statements would slow down.
 *
 * A scenario is a plan in scenarios/NAME.yaml. A plan with `native: NAME` calls the step of scenarios/NAME.c, which
 * has a line in scenarios/table.c. Copy null.c and null.yaml to begin.
 *
 * Outside of ftstress's tree, a plan names a library by its path, such as `native: ./NAME.so`, relative to the plan.
 * The library defines its scenario with FT_SCENARIO, and is a target of ftstress_add_scenario(NAME SOURCE...) in CMake.
 */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

/* The worker that calls. Lives as long as the worker; all members are borrowed. */
struct ft_worker {
    unsigned thread_index;
    uint64_t iteration_index;
    PyObject *const *inputs; /* the plan's inputs, in its order, shared or private as the plan says */
    unsigned ninputs;
    PyObject *names; /* dict: the variables of setup and thread setup; this thread's own copy */
};

struct ft_scenario {
    const char *name; /* the value of the plan's `native` */
    /* Worker thread, attached, before its first step and again whenever the inputs are new. May be NULL.
     * On success step and end get *ret_state. Returns 0, or -1 with a Python exception set. */
    int (*begin)(const struct ft_worker *worker, void **ret_state);
    /* Worker thread, attached. Returns a new reference, such as None, or NULL with a Python exception set. Must not
     * block while attached. */
    PyObject *(*step)(const struct ft_worker *worker, void *state);
    /* Worker thread, attached. May be NULL. */
    void (*end)(void *state);
};

/* The version of this interface, and the CPython of a build: "1 3.13t". */
#define FT_SCENARIO_VERSION 1
#define FT_TEXT_(x) #x
#define FT_TEXT(x) FT_TEXT_(x)
#ifdef Py_GIL_DISABLED
#define FT_SCENARIO_ABI "t"
#else
#define FT_SCENARIO_ABI ""
#endif
#define FT_SCENARIO_BUILD                                                                                    \
    FT_TEXT(FT_SCENARIO_VERSION) " " FT_TEXT(PY_MAJOR_VERSION) "." FT_TEXT(PY_MINOR_VERSION) FT_SCENARIO_ABI

#ifdef __cplusplus
#define FT_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define FT_EXPORT __attribute__((visibility("default")))
#endif

/* FT_SCENARIO = {.name = "mine", .step = mine_step}; */
#define FT_SCENARIO                                                                                          \
    FT_EXPORT const char ft_scenario_build[] = FT_SCENARIO_BUILD;                                            \
    FT_EXPORT const struct ft_scenario ft_scenario

/* Every scenario of the tree, alphabetically; ends with NULL. */
extern const struct ft_scenario *const ft_scenarios[];
