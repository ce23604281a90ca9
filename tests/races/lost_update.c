/* Lost update: the calls are counted, modulo a limit, by a load and a later store. No result depends on the counter.
 * The twin counts with one atomic addition. */
#include "narrow.h"

enum { LIMIT = 1000000 };

static long calls;
static atomic_long twin_calls;

static PyObject *lost_update(PyObject *Py_UNUSED(module), PyObject *argument)
{
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    calls = calls == LIMIT ? 0 : calls + 1;
    return PyLong_FromLong(2 * x + 1);
}

static PyObject *lost_update_twin(PyObject *Py_UNUSED(module), PyObject *argument)
{
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    atomic_fetch_add_explicit(&twin_calls, 1, memory_order_relaxed);
    return PyLong_FromLong(2 * x + 1);
}

/* The only reader of the counters; no statement of races.py calls it. */
static PyObject *counted(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return Py_BuildValue("ll", calls, atomic_load_explicit(&twin_calls, memory_order_relaxed));
}

int narrow_add_lost_update(PyObject *module)
{
    static PyMethodDef functions[] = {
        {"lost_update", lost_update, METH_O, NULL},
        {"lost_update_twin", lost_update_twin, METH_O, NULL},
        {"counted", counted, METH_NOARGS, NULL},
        {NULL, NULL, 0, NULL},
    };
    return PyModule_AddFunctions(module, functions);
}
