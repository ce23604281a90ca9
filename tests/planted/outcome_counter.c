/* A type with an in-place addition that loses updates of other threads. Its value has no pickle. */
#include "planted.h"

typedef struct {
    PyObject_HEAD PyMutex mutex;
    volatile long value;
} counter;

static void add(counter *self, long n)
{
    long value = self->value;
    self->value = value + n;
}

static PyObject *bug(PyObject *self, PyObject *other)
{
    long n = PyLong_AsLong(other);
    if (n == -1 && PyErr_Occurred())
        return NULL;
    add((counter *)self, n);
    return Py_NewRef(self);
}

static PyObject *twin(PyObject *self, PyObject *other)
{
    long n = PyLong_AsLong(other);
    if (n == -1 && PyErr_Occurred())
        return NULL;
    PyMutex_Lock(&((counter *)self)->mutex);
    add((counter *)self, n);
    PyMutex_Unlock(&((counter *)self)->mutex);
    return Py_NewRef(self);
}

static PyObject *get_value(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(((counter *)self)->value);
}

static PyGetSetDef getset[] = {{"value", get_value, NULL, NULL, NULL}, {NULL, NULL, NULL, NULL, NULL}};

static PyNumberMethods numbers[2] = {{.nb_inplace_add = bug}, {.nb_inplace_add = twin}};

#define TYPE(name, i)                                                                                        \
    {                                                                                                        \
        .ob_base = PyVarObject_HEAD_INIT(NULL, 0).tp_name = "outcome_counter." name,                         \
        .tp_basicsize = sizeof(counter), .tp_new = PyType_GenericNew, .tp_as_number = &numbers[i],           \
        .tp_getset = getset, .tp_flags = Py_TPFLAGS_DEFAULT,                                                 \
    }

static PyTypeObject types[2] = {TYPE("Bug", 0), TYPE("Twin", 1)};

static int exec(PyObject *module)
{
    return PyModule_AddType(module, &types[0]) < 0 || PyModule_AddType(module, &types[1]) < 0 ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)exec}, {Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "outcome_counter", NULL, 0, NULL, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_outcome_counter(void)
{
    return PyModuleDef_Init(&definition);
}
