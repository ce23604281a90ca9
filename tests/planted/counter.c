/* No bug and no NumPy: adds to one atomic. add() returns None, since a running total would depend on the
 * schedule. */
#include "planted.h"

static atomic_long total;

static PyObject *add(PyObject *Py_UNUSED(module), PyObject *arg)
{
    long n = PyLong_AsLong(arg);
    if (n == -1 && PyErr_Occurred())
        return NULL;
    atomic_fetch_add(&total, n);
    Py_RETURN_NONE;
}

PLANTED_MODULE(counter, {"add", add, METH_O, NULL})
