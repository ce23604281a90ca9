/* A table of the module that the first call in a process fills. bug: the call announces it before it is full, and a
 * second thread in that call reads what is not there yet. twin: a lock around the first call. */
#include "planted.h"

#define N 256

struct lazy {
    atomic_bool ready;
    long table[N];
};

static struct lazy broken, whole;
static PyMutex mutex;

static void fill(long *table)
{
    for (long i = 0; i < N; i++)
        ((volatile long *)table)[i] = 3 * i + 1;
}

static PyObject *get(const struct lazy *lazy, PyObject *number)
{
    long i = PyLong_AsLong(number);
    if (i < 0 || i >= N)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_IndexError, "%ld", i);
    return PyLong_FromLong(((const volatile long *)lazy->table)[i]);
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *number)
{
    if (!atomic_exchange(&broken.ready, true))
        fill(broken.table);
    return get(&broken, number);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *number)
{
    if (!atomic_load_explicit(&whole.ready, memory_order_acquire)) {
        PyMutex_Lock(&mutex);
        if (!atomic_load_explicit(&whole.ready, memory_order_relaxed)) {
            fill(whole.table);
            atomic_store_explicit(&whole.ready, true, memory_order_release);
        }
        PyMutex_Unlock(&mutex);
    }
    return get(&whole, number);
}

PLANTED_MODULE(lazy_static, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
