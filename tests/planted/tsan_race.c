/* Counts calls in a plain long. Only ThreadSanitizer can see the race: a lost count has no effect. The counter of the
 * twin is atomic. */
#include "planted.h"

#include <string.h>

static long calls;
static atomic_long ordered_calls;
static char text[32], other[32];

static void __attribute__((noinline)) count(void)
{
    calls = calls + 1;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    count();
    Py_RETURN_NONE;
}

/* Reads the texts that bug() and copy() write. */
static PyObject *look(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return PyBool_FromLong(calls >= 0 && !text[0]);
}

/* memcpy makes the access, in the runtime. */
static PyObject *copy(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    volatile size_t length = sizeof text;
    memcpy(text, other, length);
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    atomic_fetch_add(&ordered_calls, 1);
    Py_RETURN_NONE;
}

PLANTED_MODULE(tsan_race, {"bug", bug, METH_NOARGS, NULL}, {"look", look, METH_NOARGS, NULL},
               {"copy", copy, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
