/* Keeps the last instance of its type in a static variable, which is not cleared before Python ends. The twin
 * releases it in the call. clear() releases it. */
#define PLANTED_ITEM "shutdown_static"
#include "planted_item.h"

static PyMutex lock;
static PyObject *kept;

static void keep(PyObject *item)
{
    PyMutex_Lock(&lock);
    PyObject *old = kept;
    kept = item;
    PyMutex_Unlock(&lock);
    Py_XDECREF(old);
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    PyObject *item = new_item();
    keep(Py_XNewRef(item));
    return item;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return new_item();
}

static PyObject *clear(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    keep(NULL);
    Py_RETURN_NONE;
}

PLANTED_MODULE(shutdown_static, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL},
               {"clear", clear, METH_NOARGS, NULL})
