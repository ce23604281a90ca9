/* Calls exit(7) when two threads are inside together. */
#include "planted.h"

#include <stdlib.h>

/* Two threads in exit() at once are undefined: only the thread that sets this flag calls it. */
static atomic_flag leaving = ATOMIC_FLAG_INIT;

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    if (planted_meet() && !atomic_flag_test_and_set(&leaving))
        exit(7);
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    volatile bool met = planted_meet();
    (void)met;
    Py_RETURN_NONE;
}

PLANTED_MODULE(crash_exit, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
