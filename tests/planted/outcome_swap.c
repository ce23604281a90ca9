/* A pair with a swap in two steps: another thread can read one value twice. The pair has a pickle. */
#include "planted.h"

typedef struct {
    PyObject_HEAD PyMutex mutex;
    volatile long left;
    char name[64]; /* the second number is in another cache line */
    volatile long right;
} pair;

static PyObject *swap(pair *self)
{
    long left = self->left;
    self->left = self->right;
    self->right = left;
    Py_RETURN_NONE;
}

static PyObject *get_both(pair *self)
{
    long left = self->left, right = self->right;
    return Py_BuildValue("ll", left, right);
}

static PyObject *locked(PyObject *self, PyObject *(*act)(pair *))
{
    PyMutex_Lock(&((pair *)self)->mutex);
    PyObject *result = act((pair *)self);
    PyMutex_Unlock(&((pair *)self)->mutex);
    return result;
}

static PyObject *bug(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return swap((pair *)self);
}

static PyObject *both(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return get_both((pair *)self);
}

static PyObject *twin(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return locked(self, swap);
}

static PyObject *twin_both(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return locked(self, get_both);
}

static PyObject *make(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(keywords))
{
    long left, right;
    pair *self =
        PyArg_ParseTuple(args, "ll", &left, &right) ? (pair *)PyType_GenericNew(type, args, NULL) : NULL;
    if (self) {
        self->left = left;
        self->right = right;
    }
    return (PyObject *)self;
}

static PyObject *reduce(PyObject *self, PyObject *Py_UNUSED(ignored))
{
    return Py_BuildValue("O(ll)", Py_TYPE(self), ((pair *)self)->left, ((pair *)self)->right);
}

static PyMethodDef methods[] = {
    {"bug", bug, METH_NOARGS, NULL},           {"both", both, METH_NOARGS, NULL},
    {"twin", twin, METH_NOARGS, NULL},         {"twin_both", twin_both, METH_NOARGS, NULL},
    {"__reduce__", reduce, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static PyTypeObject type = {
    .ob_base = PyVarObject_HEAD_INIT(NULL, 0).tp_name = "outcome_swap.Pair",
    .tp_basicsize = sizeof(pair),
    .tp_new = make,
    .tp_methods = methods,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

static int exec(PyObject *module)
{
    return PyModule_AddType(module, &type);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)exec}, {Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "outcome_swap", NULL, 0, NULL, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_outcome_swap(void)
{
    return PyModuleDef_Init(&definition);
}
