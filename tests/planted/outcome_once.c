/* A table with get-or-make: two threads can both find nothing, and make two objects. The table has no pickle. */
#include "planted.h"

typedef struct {
    PyObject_HEAD PyMutex mutex;
    PyObject *volatile made;
} once;

static PyObject *make(once *self)
{
    if (!self->made)
        self->made = PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
    return Py_XNewRef(self->made);
}

static PyObject *bug(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return make((once *)self);
}

static PyObject *twin(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    PyMutex_Lock(&((once *)self)->mutex);
    PyObject *made = make((once *)self);
    PyMutex_Unlock(&((once *)self)->mutex);
    return made;
}

static void release(PyObject *self)
{
    Py_XDECREF(((once *)self)->made);
    Py_TYPE(self)->tp_free(self);
}

static PyMethodDef methods[] = {
    {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static PyTypeObject type = {
    .ob_base = PyVarObject_HEAD_INIT(NULL, 0).tp_name = "outcome_once.Once",
    .tp_basicsize = sizeof(once),
    .tp_new = PyType_GenericNew,
    .tp_dealloc = release,
    .tp_methods = methods,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

static int exec(PyObject *module)
{
    return PyModule_AddType(module, &type);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)exec}, {Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "outcome_once", NULL, 0, NULL, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_outcome_once(void)
{
    return PyModuleDef_Init(&definition);
}
