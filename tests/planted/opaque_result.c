/* Results of extension types without pickle, each shown in another way: by a member, by a computed attribute, by its
 * text, by its items, by its buffer, or not at all. bug(kind, n) keeps n in a variable of the module: two threads mix
 * their numbers. twin(kind, n) keeps it in the call. */
#include <stddef.h>

#include "planted.h"

typedef struct {
    PyObject_HEAD long number;
} Result;

static long number_of(PyObject *self)
{
    return ((Result *)self)->number;
}

static PyObject *get_number(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromLong(number_of(self));
}

static PyObject *get_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<Text %ld at %p>", number_of(self), (void *)self);
}

static Py_ssize_t get_length(PyObject *Py_UNUSED(self))
{
    return 2;
}

static PyObject *get_item(PyObject *self, Py_ssize_t i)
{
    if (i < 0 || i > 1)
        return PyErr_Format(PyExc_IndexError, "no such item");
    return PyLong_FromLong(i == 0 ? 1 : number_of(self));
}

static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, self, &((Result *)self)->number, sizeof(long), 1, flags);
}

static PyMemberDef members[] = {{"number", Py_T_LONG, offsetof(Result, number), Py_READONLY, NULL}, {0}};
static PyGetSetDef computed[] = {{"number", get_number, NULL, NULL, NULL}, {0}};

#define KIND(name, ...)                                                                                      \
    {                                                                                                        \
        "opaque_result." name, sizeof(Result), 0, Py_TPFLAGS_DEFAULT, (PyType_Slot[])                        \
        {                                                                                                    \
            __VA_ARGS__,                                                                                     \
            {                                                                                                \
                0, NULL                                                                                      \
            }                                                                                                \
        }                                                                                                    \
    }
static PyType_Spec specs[] = {
    KIND("Member", {Py_tp_members, members}),
    KIND("Computed", {Py_tp_getset, computed}),
    KIND("Text", {Py_tp_repr, get_repr}),
    KIND("Items", {Py_sq_length, get_length}, {Py_sq_item, get_item}),
    KIND("Buffer", {Py_bf_getbuffer, get_buffer}),
    KIND("Hidden", {Py_tp_doc, "shows nothing"}),
};
enum { KINDS = sizeof specs / sizeof *specs };
static PyObject *types[KINDS];
static volatile long shared_number;

/* Returns a new result of this kind. Its number lies in *at for a moment. */
static PyObject *make(PyObject *args, volatile long *at)
{
    int kind;
    long number;
    if (!PyArg_ParseTuple(args, "il", &kind, &number) || kind < 0 || kind >= KINDS)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "no such kind");
    *at = number;
    planted_spin();
    Result *result = PyObject_New(Result, (PyTypeObject *)types[kind]);
    if (result)
        result->number = *at;
    return (PyObject *)result;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *args)
{
    return make(args, &shared_number);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *args)
{
    volatile long number;
    return make(args, &number);
}

static int exec(PyObject *module)
{
    for (int i = 0; i < KINDS; i++)
        if (!(types[i] = PyType_FromModuleAndSpec(module, &specs[i], NULL)))
            return -1;
    return 0;
}

static PyMethodDef methods[] = {
    {"bug", bug, METH_VARARGS, NULL}, {"twin", twin, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)exec}, {Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "opaque_result", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_opaque_result(void)
{
    return PyModuleDef_Init(&definition);
}
