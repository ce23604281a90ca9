/* Writes 1 to 8 bytes behind bytes objects that are never released, so that no release checks them.
 * The first calls make the objects, 64 in all; later calls only read them. */
#include "planted.h"

/* 69 bytes with head and final NUL, in a slot of 80: without the debug hooks no other object is damaged. */
enum { LENGTH = 20, OBJECTS = 64 };

static PyObject *_Atomic kept;
static atomic_int made;

/* The first caller makes it. No lock: an attached thread that waits for one would block a collection. */
static PyObject *kept_objects(void)
{
    PyObject *list = atomic_load(&kept), *none = NULL;
    if (list || !(list = PyList_New(0)))
        return list;
    if (atomic_compare_exchange_strong(&kept, &none, list))
        return list;
    Py_DECREF(list);
    return none;
}

static PyObject *use(int beyond)
{
    PyObject *list = kept_objects();
    if (!list)
        return NULL;
    int n = atomic_load(&made) < OBJECTS ? atomic_fetch_add(&made, 1) : OBJECTS;
    if (n >= OBJECTS)
        return PyLong_FromSsize_t(PyList_Size(list));
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, LENGTH);
    if (!bytes)
        return NULL;
    volatile char *data = PyBytes_AS_STRING(bytes);
    int size = LENGTH + 1 + beyond * (1 + n % 8);
    for (int i = 0; i < size; i++)
        data[i] = (char)(i == LENGTH ? 0 : 'A');
    int failed = PyList_Append(list, bytes);
    Py_DECREF(bytes);
    return failed ? NULL : PyLong_FromLong(n);
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return use(1);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return use(0);
}

PLANTED_MODULE(pyheap_bytes, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
