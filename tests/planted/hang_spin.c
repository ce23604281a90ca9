/* The first caller that meets another one inside never returns, in a busy loop. The others go on.
 *
 * Any Python thread calls bug and twin. The endless loop runs with the thread state detached, so that it does not block
 * a stop-the-world collection. */
#include "planted.h"

static atomic_bool caught, never;

static void spin_for_ever(void)
{
    Py_BEGIN_ALLOW_THREADS;
    while (!atomic_load_explicit(&never, memory_order_relaxed)) {
    }
    Py_END_ALLOW_THREADS;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    if (planted_meet() && !atomic_exchange(&caught, true))
        spin_for_ever();
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    if (planted_meet() && !atomic_exchange(&caught, true))
        planted_spin();
    Py_RETURN_NONE;
}

PLANTED_MODULE(hang_spin, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
