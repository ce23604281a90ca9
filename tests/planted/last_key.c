/* Keeps the last key and its value for all threads. bug(key) stores the key before the value: a thread that asks for
 * the same key meanwhile gets the value of the key before. fault(key) raises ValueError there instead. The twins have a
 * lock. */
#include "planted.h"

static volatile long last_key = -1, last_value;
static PyMutex lock;

static long value_of(long key)
{
    long value = key;
    for (int i = 0; i < 20; i++)
        value = value * 31 + i;
    return value;
}

static long look_up(long key)
{
    if (last_key == key)
        return last_value;
    last_key = key;
    last_value = value_of(key);
    return last_value;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *key)
{
    return PyLong_FromLong(look_up(PyLong_AsLong(key)));
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *key)
{
    PyMutex_Lock(&lock);
    long value = look_up(PyLong_AsLong(key));
    PyMutex_Unlock(&lock);
    return PyLong_FromLong(value);
}

/* Raises where another value than the key's was found. */
static PyObject *check(long key, long value)
{
    if (value == value_of(key))
        Py_RETURN_NONE;
    return PyErr_Format(PyExc_ValueError, "this is the value of another key");
}

static PyObject *fault(PyObject *Py_UNUSED(module), PyObject *key)
{
    return check(PyLong_AsLong(key), look_up(PyLong_AsLong(key)));
}

static PyObject *fault_twin(PyObject *Py_UNUSED(module), PyObject *key)
{
    PyMutex_Lock(&lock);
    long value = look_up(PyLong_AsLong(key));
    PyMutex_Unlock(&lock);
    return check(PyLong_AsLong(key), value);
}

/* get() returns what any thread has set last. */
static long number;

static PyObject *set(PyObject *Py_UNUSED(module), PyObject *value)
{
    __atomic_store_n(&number, PyLong_AsLong(value), __ATOMIC_RELAXED);
    Py_RETURN_NONE;
}

static PyObject *get(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return PyLong_FromLong(__atomic_load_n(&number, __ATOMIC_RELAXED));
}

PLANTED_MODULE(last_key, {"set", set, METH_O, NULL}, {"get", get, METH_NOARGS, NULL},
               {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL}, {"fault", fault, METH_O, NULL},
               {"fault_twin", fault_twin, METH_O, NULL})
