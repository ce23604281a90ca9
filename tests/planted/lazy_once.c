/* An object with a table that the first call makes: a second thread in that call finds it announced, and not there. */
#include "planted.h"

struct lazy {
    PyMutex mutex;
    atomic_bool ready;
    const long *volatile table;
};

static const long table[] = {3, 7};

static void make_table(struct lazy *lazy)
{
    if (atomic_exchange(&lazy->ready, true))
        return;
    for (volatile int i = 0; i < 400; i++) {
    }
    lazy->table = table;
}

static void release(PyObject *capsule)
{
    PyMem_Free(PyCapsule_GetPointer(capsule, NULL));
}

static PyObject *new (PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    struct lazy *lazy = PyMem_Calloc(1, sizeof *lazy);
    return lazy ? PyCapsule_New(lazy, NULL, release) : PyErr_NoMemory();
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    struct lazy *lazy = PyCapsule_GetPointer(capsule, NULL);
    if (!lazy)
        return NULL;
    make_table(lazy);
    return PyLong_FromLong(lazy->table[1]);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    struct lazy *lazy = PyCapsule_GetPointer(capsule, NULL);
    if (!lazy)
        return NULL;
    PyMutex_Lock(&lazy->mutex);
    make_table(lazy);
    PyMutex_Unlock(&lazy->mutex);
    return PyLong_FromLong(lazy->table[1]);
}

PLANTED_MODULE(lazy_once, {"new", new, METH_NOARGS, NULL}, {"bug", bug, METH_O, NULL},
               {"twin", twin, METH_O, NULL})
