/* Callables for a fuzzer. `backward` crashes where an array of integers has a negative stride. `hold` and `peek` fail
 * only at the same time: each is safe with itself. A function NAME_twin has no bug. */
#define PLANTED_NUMPY
#include "planted.h"

#include <stdatomic.h>

/* The array if it has one dimension, or NULL with TypeError. */
static PyArrayObject *vector(PyObject *x)
{
    PyArrayObject *array = planted_array(x);
    if (array && PyArray_NDIM(array) != 1) {
        PyErr_SetString(PyExc_TypeError, "x must be a vector");
        return NULL;
    }
    return array;
}

static PyObject *backward_twin(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = vector(x);
    return array ? PyLong_FromLong((long)PyArray_DIM(array, 0)) : NULL;
}

static PyObject *backward(PyObject *module, PyObject *x)
{
    PyArrayObject *array = vector(x);
    if (array && PyArray_ISINTEGER(array) && PyArray_STRIDE(array, 0) < 0)
        *(volatile int *)NULL = 1;
    return array ? backward_twin(module, x) : NULL;
}

/* Calls of `hold` in flight. */
static _Atomic int holding;

static PyObject *hold_twin(PyObject *Py_UNUSED(module), PyObject *x)
{
    if (!vector(x))
        return NULL;
    planted_spin();
    return PyLong_FromLong(1);
}

static PyObject *hold(PyObject *module, PyObject *x)
{
    atomic_fetch_add(&holding, 1);
    PyObject *result = hold_twin(module, x);
    atomic_fetch_sub(&holding, 1);
    return result;
}

static PyObject *peek_twin(PyObject *Py_UNUSED(module), PyObject *x)
{
    return vector(x) ? PyLong_FromLong(2) : NULL;
}

static PyObject *peek(PyObject *module, PyObject *x)
{
    PyObject *result = peek_twin(module, x);
    if (result && atomic_load(&holding)) {
        Py_DECREF(result);
        PyErr_SetString(PyExc_RuntimeError, "peeked while it is held");
        return NULL;
    }
    return result;
}

#define METHOD(name)                                                                                         \
    {                                                                                                        \
#name, name, METH_O, NULL                                                                            \
    }

static int exec(PyObject *module)
{
    (void)module;
    return PyArray_ImportNumPyAPI();
}

static PyMethodDef methods[] = {METHOD(backward),     METHOD(backward_twin), METHOD(hold),
                                METHOD(hold_twin),    METHOD(peek),          METHOD(peek_twin),
                                {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)exec}, {Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "fuzzed", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_fuzzed(void)
{
    return PyModuleDef_Init(&definition);
}
