/* Makes an immortal object, which is never freed because its references are not counted. */
#define PLANTED_ITEM "growth_immortal"
#include "planted_item.h"

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    PyObject *item = new_item();
#ifdef Py_GIL_DISABLED
    if (item)
        __atomic_store_n(&item->ob_ref_local, _Py_IMMORTAL_REFCNT_LOCAL, __ATOMIC_RELAXED);
#else
    Py_XINCREF(item);
#endif
    return item;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return new_item();
}

PLANTED_MODULE(growth_immortal, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
