/* Calls Python with a lock that other callers wait for: those of bug attached, so that a collection never begins, and
 * those of twin detached. */
#include "planted.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static PyObject *call_locked(PyObject *function)
{
    PyObject *result = PyObject_CallNoArgs(function);
    pthread_mutex_unlock(&lock);
    return result;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *function)
{
    pthread_mutex_lock(&lock);
    return call_locked(function);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *function)
{
    Py_BEGIN_ALLOW_THREADS;
    pthread_mutex_lock(&lock);
    Py_END_ALLOW_THREADS;
    return call_locked(function);
}

PLANTED_MODULE(hang_attached, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
