/* Takes two locks in an order that depends on the argument: an odd and an even caller deadlock.
 *
 * Any Python thread calls bug and twin. Both locks are taken and released with the thread state detached, so
 * that a deadlock here stops the callers only and never a stop-the-world collection. twin takes
 * a, then b. */
#include "planted.h"

#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t b = PTHREAD_MUTEX_INITIALIZER;

static void lock_both(pthread_mutex_t *first, pthread_mutex_t *second)
{
    Py_BEGIN_ALLOW_THREADS;
    pthread_mutex_lock(first);
    planted_spin();
    pthread_mutex_lock(second);
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
    Py_END_ALLOW_THREADS;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long i = PyLong_AsLong(arg);
    if (i == -1 && PyErr_Occurred())
        return NULL;
    if (i & 1)
        lock_both(&a, &b);
    else
        lock_both(&b, &a);
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long i = PyLong_AsLong(arg);
    if (i == -1 && PyErr_Occurred())
        return NULL;
    lock_both(&a, &b);
    Py_RETURN_NONE;
}

PLANTED_MODULE(hang_lock_order, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
