/* Boilerplate of the planted extension modules, and the meeting place that makes their bugs need two threads.
 * With PLANTED_MAIN there is no Python: planted_heap.h then makes programs of the files that are able to it.
 *
 * Any Python thread may call the planted_* functions, with an attached thread state. in_flight is one counter
 * per module and counts the threads between planted_enter and planted_leave; nobody waits on it, and all
 * accesses are sequentially consistent. A thread that was alone from enter to leave never sees
 * planted_crowded() true. No planted function detaches in between, so with the GIL on nobody ever meets. */
#pragma once

#ifndef PLANTED_MAIN
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#endif

#ifdef __cplusplus
#include <atomic>
using std::atomic_int;
#else
#include <stdatomic.h>
#include <stdbool.h>
#endif

#ifdef PLANTED_NUMPY
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>
#endif

static atomic_int in_flight;

static inline void planted_enter(void)
{
    atomic_fetch_add(&in_flight, 1);
}

static inline void planted_leave(void)
{
    atomic_fetch_sub(&in_flight, 1);
}

static inline bool planted_crowded(void)
{
    return atomic_load(&in_flight) > 1;
}

/* About a microsecond. Counts instead of reading the clock: no frame of another library ever is on the stack.
 */
static inline void planted_spin(void)
{
    for (volatile int i = 0; i < 2000; i++) {
    }
}

/* Goes in, stays a moment, and tells whether another thread was inside at the end of it. */
static inline bool planted_meet(void)
{
    planted_enter();
    planted_spin();
    bool crowded = planted_crowded();
    planted_leave();
    return crowded;
}

#ifdef PLANTED_NUMPY
/* The array itself, borrowed, or NULL with TypeError when it is none or has no dimension to tamper with. */
static inline PyArrayObject *planted_array(PyObject *x)
{
    if (PyArray_Check(x) && PyArray_NDIM((PyArrayObject *)x) > 0)
        return (PyArrayObject *)x;
    PyErr_SetString(PyExc_TypeError, "x must be an array with at least one dimension");
    return NULL;
}

/* A wrong length, smaller where possible: a thread that meets it does not read past the end, so that a
 * planted shape stays a wrong shape and does not become a crash. */
static inline npy_intp planted_other_length(npy_intp length)
{
    return length > 0 ? length - 1 : 1;
}

#define PLANTED_IMPORT() PyArray_ImportNumPyAPI()
#else
#define PLANTED_IMPORT() 0
#endif

#define PLANTED_MODULE(name, ...)                                                                            \
    static PyMethodDef planted_methods[] = {__VA_ARGS__, {NULL, NULL, 0, NULL}};                             \
    static int planted_exec(PyObject *Py_UNUSED(module))                                                     \
    {                                                                                                        \
        return PLANTED_IMPORT();                                                                             \
    }                                                                                                        \
    static PyModuleDef_Slot planted_slots[] = {                                                              \
        {Py_mod_exec, (void *)planted_exec},                                                                 \
        {Py_mod_gil, Py_MOD_GIL_NOT_USED},                                                                   \
        {0, NULL},                                                                                           \
    };                                                                                                       \
    static struct PyModuleDef planted_module = {                                                             \
        PyModuleDef_HEAD_INIT, #name, NULL, 0, planted_methods, planted_slots, NULL, NULL, NULL,             \
    };                                                                                                       \
    PyMODINIT_FUNC PyInit_##name(void)                                                                       \
    {                                                                                                        \
        return PyModuleDef_Init(&planted_module);                                                            \
    }
