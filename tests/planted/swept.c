/* Callables for a sweep, each with a bug of its own; a call that needs another argument raises TypeError. The class
 * `Twin` has static methods of the same names without the bugs; an object of the class `Fragile` cannot be made. */
#define PLANTED_NUMPY
#include "planted.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double sum_of(PyArrayObject *array)
{
    double sum = 0;
    for (npy_intp i = 0; i < PyArray_DIM(array, 0); i++)
        sum += *(double *)PyArray_GETPTR1(array, i);
    return sum;
}

/* The array if it is one of float64 in one dimension, or NULL with TypeError. */
static PyArrayObject *vector(PyObject *x)
{
    PyArrayObject *array = planted_array(x);
    if (array && (PyArray_NDIM(array) != 1 || PyArray_TYPE(array) != NPY_DOUBLE)) {
        PyErr_SetString(PyExc_TypeError, "x must be a vector of float64");
        return NULL;
    }
    return array;
}

/* Writes through a null pointer where x has a negative stride. */
static PyObject *negative(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = vector(x);
    if (!array)
        return NULL;
    if (PyArray_STRIDE(array, 0) < 0)
        *(volatile int *)NULL = 1;
    return PyFloat_FromDouble(sum_of(array));
}

/* Writes behind the end of a block that lives on: another call frees it. */
static char *kept;

static PyObject *corrupt(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = vector(x);
    if (!array)
        return NULL;
    if (!kept)
        kept = malloc(24);
    memset(kept, 1, 32);
    return PyFloat_FromDouble(sum_of(array));
}

static PyObject *victim(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    free(kept);
    kept = NULL;
    return PyLong_FromLong(1);
}

static PyObject *spin(PyObject *Py_UNUSED(module), PyObject *x)
{
    if (!vector(x))
        return NULL;
    for (volatile int go_on = 1; go_on;) {
    }
    Py_RETURN_NONE;
}

static PyObject *eat(PyObject *Py_UNUSED(module), PyObject *x)
{
    if (!vector(x))
        return NULL;
    for (;;) {
        char *block = malloc(1 << 24);
        if (!block)
            return PyErr_NoMemory();
        memset(block, 1, 1 << 24);
        usleep(10000);
    }
}

static PyObject *leave(PyObject *Py_UNUSED(module), PyObject *x)
{
    if (vector(x))
        _exit(3);
    return NULL;
}

/* Writes to its input and puts the old value back. */
static PyObject *hide(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = vector(x);
    if (!array || PyArray_DIM(array, 0) == 0)
        return array ? PyFloat_FromDouble(0) : NULL;
    volatile double *first = PyArray_GETPTR1(array, 0);
    double was = *first;
    *first = was + 1;
    double sum = sum_of(array);
    *first = was;
    return PyFloat_FromDouble(sum - 1);
}

/* Sums in a variable that all threads share. */
static volatile double shared_sum;

static PyObject *race(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = vector(x);
    if (!array)
        return NULL;
    shared_sum = 0;
    for (int i = 0; i < 50; i++) {
        shared_sum += sum_of(array);
        planted_spin();
    }
    return PyFloat_FromDouble(shared_sum);
}

/* Writes the first element of y to x, which is read-only meanwhile: in place, as its name says. */
static PyObject *place(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *x, *y;
    if (!PyArg_ParseTuple(args, "OO", &x, &y))
        return NULL;
    PyArrayObject *to = vector(x), *from = to ? vector(y) : NULL;
    if (!from || PyArray_DIM(to, 0) == 0 || PyArray_DIM(from, 0) == 0)
        return from ? PyLong_FromLong(0) : NULL;
    PyArray_CLEARFLAGS(to, NPY_ARRAY_WRITEABLE);
    volatile double *first = PyArray_DATA(to);
    double value = *(double *)PyArray_DATA(from);
    if (*first != value)
        *first = value;
    PyArray_ENABLEFLAGS(to, NPY_ARRAY_WRITEABLE);
    return PyLong_FromLong(1);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = vector(x);
    return array ? PyFloat_FromDouble(sum_of(array)) : NULL;
}

#define METHOD(name)                                                                                         \
    {                                                                                                        \
#name, name, METH_O, NULL                                                                            \
    }
#define TWIN(name)                                                                                           \
    {                                                                                                        \
#name, twin, METH_O | METH_STATIC, NULL                                                              \
    }

static PyMethodDef twin_methods[] = {TWIN(negative), TWIN(corrupt), TWIN(spin), TWIN(eat),
                                     TWIN(leave),    TWIN(hide),    TWIN(race), {NULL, NULL, 0, NULL}};

static PyType_Slot twin_slots[] = {{Py_tp_methods, twin_methods}, {0, NULL}};
static PyType_Spec twin_spec = {"swept.Twin", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, twin_slots};

/* Ends the process without an argument. */
static PyObject *make_fragile(PyTypeObject *Py_UNUSED(type), PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    if (PyTuple_GET_SIZE(args) == 0)
        *(volatile int *)NULL = 1;
    PyErr_SetString(PyExc_TypeError, "no arguments");
    return NULL;
}

static PyMethodDef fragile_methods[] = {{"method", victim, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyType_Slot fragile_slots[] = {
    {Py_tp_new, (void *)make_fragile}, {Py_tp_methods, fragile_methods}, {0, NULL}};
static PyType_Spec fragile_spec = {"swept.Fragile", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, fragile_slots};

static int exec(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&twin_spec), *fragile = PyType_FromSpec(&fragile_spec);
    return PyArray_ImportNumPyAPI() < 0 || PyModule_Add(module, "Twin", type) < 0 ||
                   PyModule_Add(module, "Fragile", fragile) < 0
               ? -1
               : 0;
}

static PyMethodDef methods[] = {METHOD(negative),
                                METHOD(corrupt),
                                METHOD(spin),
                                METHOD(eat),
                                METHOD(leave),
                                METHOD(hide),
                                METHOD(race),
                                {"place", place, METH_VARARGS, NULL},
                                {"victim", victim, METH_NOARGS, NULL},
                                {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)exec}, {Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "swept", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_swept(void)
{
    return PyModuleDef_Init(&definition);
}
