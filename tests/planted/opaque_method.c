/* An extension type without pickle. bug() sums its input in the object: threads that share it mix their numbers. twin()
 * sums in the call. step() counts its calls, calls() returns their number, and push() raises at the 5000th call: one
 * thread sees that, too. */
#include "planted.h"

typedef struct {
    PyObject_HEAD long *total; /* behind a pointer, where the memory of the object does not show a change */
} Opaque;

static PyObject *opaque_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    Opaque *opaque = (Opaque *)type->tp_alloc(type, 0);
    if (opaque && !(opaque->total = PyMem_RawCalloc(1, sizeof *opaque->total)))
        Py_CLEAR(opaque);
    return (PyObject *)opaque;
}

static void opaque_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyMem_RawFree(((Opaque *)self)->total);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *sum_in(PyObject *items, volatile long *total)
{
    if (!PyTuple_Check(items))
        return PyErr_Format(PyExc_TypeError, "takes a tuple");
    *total = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); i++)
        *total += PyLong_AsLong(PyTuple_GET_ITEM(items, i));
    planted_spin();
    return PyLong_FromLong(*total);
}

static PyObject *bug(PyObject *self, PyObject *items)
{
    return sum_in(items, ((Opaque *)self)->total);
}

static PyObject *twin(PyObject *Py_UNUSED(self), PyObject *items)
{
    volatile long total;
    return sum_in(items, &total);
}

static PyObject *push(PyObject *self, PyObject *Py_UNUSED(args))
{
    if (__atomic_add_fetch(((Opaque *)self)->total, 1, __ATOMIC_RELAXED) >= 5000)
        return PyErr_Format(PyExc_OverflowError, "full");
    return PyLong_FromLong(1);
}

static PyObject *step(PyObject *self, PyObject *Py_UNUSED(args))
{
    return PyLong_FromLong(__atomic_add_fetch(((Opaque *)self)->total, 1, __ATOMIC_RELAXED));
}

static PyObject *calls(PyObject *self, PyObject *Py_UNUSED(args))
{
    return PyLong_FromLong(__atomic_load_n(((Opaque *)self)->total, __ATOMIC_RELAXED));
}

static PyMethodDef methods[] = {
    {"bug", bug, METH_O, NULL},        {"twin", twin, METH_O, NULL},        {"push", push, METH_NOARGS, NULL},
    {"step", step, METH_NOARGS, NULL}, {"calls", calls, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, opaque_new}, {Py_tp_dealloc, opaque_free}, {Py_tp_methods, methods}, {0, NULL}};
static PyType_Spec spec = {"opaque_method.Opaque", sizeof(Opaque), 0, Py_TPFLAGS_DEFAULT, slots};

static PyObject *make(PyObject *module, PyObject *Py_UNUSED(args))
{
    static PyObject *type;
    if (!type)
        type = PyType_FromModuleAndSpec(module, &spec, NULL);
    return type ? PyObject_CallNoArgs(type) : NULL;
}

PLANTED_MODULE(opaque_method, {"make", make, METH_NOARGS, NULL})
