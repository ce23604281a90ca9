/* Boilerplate of the planted extension modules, and a counter of threads inside, so that the bugs need two threads.
 * With PLANTED_MAIN there is no Python: planted_heap.h then makes a program of a file that needs none.
 *
 * Any Python thread may call the planted_* functions, with an attached thread state. in_flight is one counter
 * per module and counts the threads between planted_enter and planted_leave. No thread waits on it, and all
 * accesses are sequentially consistent. A thread that was alone from enter to leave never sees planted_crowded()
 * true. No planted function detaches in between, so with the GIL on two threads never meet. */
#pragma once

#ifndef PLANTED_MAIN
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

/* Enters, waits a moment, and returns true if another thread is inside at the end. */
static inline bool planted_meet(void)
{
    planted_enter();
    planted_spin();
    bool crowded = planted_crowded();
    planted_leave();
    return crowded;
}

#ifdef PLANTED_NUMPY
/* Returns the array, borrowed, or NULL with TypeError if it is none or has no dimension. */
static inline PyArrayObject *planted_array(PyObject *x)
{
    if (PyArray_Check(x) && PyArray_NDIM((PyArrayObject *)x) > 0)
        return (PyArrayObject *)x;
    PyErr_SetString(PyExc_TypeError, "x must be an array with at least one dimension");
    return NULL;
}

/* Returns a wrong length, smaller if possible: a thread that sees it does not read past the end, so that a
 * planted shape does not become a crash. */
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
