/* A class for a fuzzer: `peek` of a Slot fails while another thread is inside `hold` of the same object, and each
 * is safe with itself. SlotTwin does the same without the failure. */
#include "planted.h"

#include <stdatomic.h>
#include <string.h>

struct slot {
    PyObject_HEAD _Atomic int holding; /* calls in flight */
    bool broken;
};

static PyObject *slot_hold(PyObject *self, PyObject *Py_UNUSED(x))
{
    struct slot *slot = (struct slot *)self;
    atomic_fetch_add(&slot->holding, 1);
    planted_spin();
    atomic_fetch_sub(&slot->holding, 1);
    return PyLong_FromLong(1);
}

static PyObject *slot_peek(PyObject *self, PyObject *Py_UNUSED(x))
{
    struct slot *slot = (struct slot *)self;
    if (!slot->broken || !atomic_load(&slot->holding))
        return PyLong_FromLong(2);
    PyErr_SetString(PyExc_RuntimeError, "peeked while it is held");
    return NULL;
}

static PyObject *slot_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    struct slot *slot = PyArg_ParseTuple(args, "") && !named ? (struct slot *)type->tp_alloc(type, 0) : NULL;
    if (slot)
        slot->broken = strcmp(type->tp_name, "methods.Slot") == 0;
    return (PyObject *)slot;
}

static PyMethodDef slot_methods[] = {
    {"hold", slot_hold, METH_O, NULL}, {"peek", slot_peek, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static PyType_Slot slot_slots[] = {{Py_tp_new, (void *)slot_new}, {Py_tp_methods, slot_methods}, {0, NULL}};
static PyType_Spec slot_spec = {"methods.Slot", sizeof(struct slot), 0, Py_TPFLAGS_DEFAULT, slot_slots};
static PyType_Spec twin_spec = {"methods.SlotTwin", sizeof(struct slot), 0, Py_TPFLAGS_DEFAULT, slot_slots};

static int exec(PyObject *module)
{
    if (PyModule_Add(module, "Slot", PyType_FromSpec(&slot_spec)) < 0)
        return -1;
    return PyModule_Add(module, "SlotTwin", PyType_FromSpec(&twin_spec));
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)exec}, {Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "methods", NULL, 0, NULL, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_methods(void)
{
    return PyModuleDef_Init(&definition);
}
