/* Aborts silently when Python ends, as a binding library does if instances are left; the twin does not. */
#include <stdlib.h>

#include "planted.h"

static atomic_bool left;

static __attribute__((noinline)) void give_up(void)
{
    if (atomic_load(&left))
        abort();
}

/* Py_AtExit takes functions while Python runs, and calls them at its very end. */
static void look_for_leaks(void)
{
    give_up();
    atomic_store(&left, false);
}

static PyObject *call(bool leaves)
{
    static atomic_bool registered;
    if (!atomic_exchange(&registered, true) && Py_AtExit(look_for_leaks) < 0)
        return PyErr_NoMemory();
    atomic_store(&left, leaves);
    Py_RETURN_NONE;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return call(true);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return call(false);
}

PLANTED_MODULE(shutdown_abort, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
