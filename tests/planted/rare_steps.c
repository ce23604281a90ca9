/* Fails in few processes, and only where three statements run: bug() meets another thread after prepare() and load()
 * were called, in one process of 20, or of RARE_STEPS.
 * beside() crashes, too, in one process of 4. */
#include "planted.h"

#include <stdlib.h>
#include <sys/random.h>

enum { PREPARED = 1, LOADED = 2 };

static atomic_int state;
static int *volatile nowhere;

/* The odds of this process, drawn at the first call. */
static bool is_one_of(atomic_int *drawn, unsigned n)
{
    if (atomic_load(drawn) == 0) {
        unsigned number = 0;
        int undrawn = 0;
        (void)!getrandom(&number, sizeof number, 0);
        atomic_compare_exchange_strong(drawn, &undrawn, number % n == 0 ? 1 : 2);
    }
    return atomic_load(drawn) == 1;
}

static PyObject *prepare(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    atomic_fetch_or(&state, PREPARED);
    Py_RETURN_NONE;
}

static PyObject *load(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    atomic_fetch_or(&state, LOADED);
    Py_RETURN_NONE;
}

static unsigned odds(void)
{
    const char *text = getenv("RARE_STEPS");
    int n = text ? atoi(text) : 0;
    return n > 0 ? (unsigned)n : 20;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    static atomic_int drawn;
    if (planted_meet() && atomic_load(&state) == (PREPARED | LOADED) && is_one_of(&drawn, odds()))
        *nowhere = 1;
    Py_RETURN_NONE;
}

static PyObject *beside(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    static atomic_int drawn;
    if (planted_meet() && is_one_of(&drawn, 4))
        *nowhere = 2;
    Py_RETURN_NONE;
}

static PyObject *idle(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    Py_RETURN_NONE;
}

PLANTED_MODULE(rare_steps, {"prepare", prepare, METH_NOARGS, NULL}, {"load", load, METH_NOARGS, NULL},
               {"bug", bug, METH_NOARGS, NULL}, {"beside", beside, METH_NOARGS, NULL},
               {"idle", idle, METH_NOARGS, NULL})
