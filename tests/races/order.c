/* Order violation: the first user of a shared factor sets it, and the last one clears it. A second user counts
 * itself, and may read the factor before the first one has set it, or after the last one has cleared it. The twin
 * holds a lock. */
#include "narrow.h"

static atomic_int users;
static long factor;

static PyObject *order_violation(PyObject *Py_UNUSED(module), PyObject *argument)
{
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    if (atomic_fetch_add(&users, 1) == 0)
        factor = 3;
    long product = x * factor;
    if (atomic_fetch_sub(&users, 1) == 1)
        factor = 0;
    return PyLong_FromLong(product);
}

static PyMutex lock;
static int twin_users;
static long twin_factor;

static PyObject *order_violation_twin(PyObject *Py_UNUSED(module), PyObject *argument)
{
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    PyMutex_Lock(&lock);
    if (twin_users++ == 0)
        twin_factor = 3;
    long product = x * twin_factor;
    if (--twin_users == 0)
        twin_factor = 0;
    PyMutex_Unlock(&lock);
    return PyLong_FromLong(product);
}

int narrow_add_order(PyObject *module)
{
    static PyMethodDef functions[] = {
        {"order_violation", order_violation, METH_O, NULL},
        {"order_violation_twin", order_violation_twin, METH_O, NULL},
        {NULL, NULL, 0, NULL},
    };
    return PyModule_AddFunctions(module, functions);
}
