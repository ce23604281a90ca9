/* Writes 1 to 8 bytes behind bytes objects that live as long as the process. No release ever comes to look at them.
 * The first calls make the objects, 64 in all; later ones only read them. */
#include "planted.h"

/* With its head and its final NUL 69 bytes, in a slot of 80: without the debug hooks nothing else is hurt. */
enum { LENGTH = 20, OBJECTS = 64 };

static PyObject *_Atomic kept;
static atomic_int made;

/* Whoever comes first makes it. No lock: a thread that waits for one, attached, holds up a collection. */
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
