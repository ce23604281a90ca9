/* Callables for a sweep and a fuzzer, each with one bug that only some calls show: the kind of argument, of sequence or
 * of neighbour. A callable NAME_twin does the same work without the bug, in all calls. */
#define PLANTED_NUMPY
#include "planted.h"

#include <stdlib.h>
#include <string.h>

/* The bug is in its own function, which a report names; the twin is the same function with `broken` false. */
#define PAIR(name)                                                                                           \
    static PyObject *name(PyObject *Py_UNUSED(module), PyObject *arg)                                        \
    {                                                                                                        \
        return do_##name(arg, true);                                                                         \
    }                                                                                                        \
    static PyObject *name##_twin(PyObject *Py_UNUSED(module), PyObject *arg)                                 \
    {                                                                                                        \
        return do_##name(arg, false);                                                                        \
    }
#define INLINE static inline __attribute__((always_inline))

static PyArrayObject *array_of(PyObject *x, int ndim)
{
    if (PyArray_Check(x) && PyArray_NDIM((PyArrayObject *)x) == ndim)
        return (PyArrayObject *)x;
    PyErr_Format(PyExc_TypeError, "x must be an array with %d dimensions", ndim);
    return NULL;
}

static PyArrayObject *vector(PyObject *x)
{
    PyArrayObject *array = array_of(x, 1);
    if (array && PyArray_TYPE(array) != NPY_DOUBLE) {
        PyErr_SetString(PyExc_TypeError, "x must have float64");
        return NULL;
    }
    return array;
}

static double sum_of(PyArrayObject *array)
{
    double sum = 0;
    for (npy_intp i = 0; i < PyArray_DIM(array, 0); i++)
        sum += *(double *)PyArray_GETPTR1(array, i);
    return sum;
}

/* A sum in a place that all threads share. */
static volatile double shared_sum;

static PyObject *sum_slowly(double value, volatile double *place)
{
    *place = 0;
    for (int i = 0; i < 20; i++) {
        *place += value;
        planted_spin();
    }
    return PyFloat_FromDouble(*place);
}

/* A negative stride: copies to a buffer, from its end to its start, or before its start. */
INLINE PyObject *do_backward(PyObject *x, bool broken)
{
    PyArrayObject *array = vector(x);
    if (!array)
        return NULL;
    npy_intp n = PyArray_DIM(array, 0), shift = broken && n > 0 && PyArray_STRIDE(array, 0) < 0;
    double *buffer = malloc((size_t)(n + 1) * sizeof *buffer), sum = 0;
    for (npy_intp i = 0; i < n; i++)
        ((volatile double *)buffer)[shift ? i - n : n - i] = *(double *)PyArray_GETPTR1(array, i);
    sum = sum_of(array);
    free(buffer);
    return PyFloat_FromDouble(sum);
}
PAIR(backward)

/* An axis of no length among others: the mean along it divides by zero. */
INLINE PyObject *do_hollow(PyObject *x, bool broken)
{
    PyArrayObject *array = array_of(x, 2);
    if (!array)
        return NULL;
    volatile npy_intp length = PyArray_DIM(array, 1);
    if (length == 0 && !broken)
        return PyLong_FromLong(0);
    return PyLong_FromSsize_t(PyArray_DIM(array, 0) * 100 / length);
}
PAIR(hollow)

/* A read-only input: writes to it while it works, and puts back what was there. */
INLINE PyObject *do_frozen(PyObject *x, bool broken)
{
    PyArrayObject *array = vector(x);
    if (!array || PyArray_DIM(array, 0) == 0)
        return array ? PyFloat_FromDouble(0) : NULL;
    volatile double *first = PyArray_DATA(array);
    double was = *first, sum;
    bool writes = broken && !PyArray_ISWRITEABLE(array);
    if (writes)
        *first = was + 1;
    sum = sum_of(array);
    if (writes)
        *first = was;
    return PyFloat_FromDouble(writes ? sum - 1 : sum);
}
PAIR(frozen)

/* An element type of two bytes: the buffer has one byte for each. */
INLINE PyObject *do_half(PyObject *x, bool broken)
{
    PyArrayObject *array = array_of(x, 1);
    if (!array)
        return NULL;
    npy_intp n = PyArray_DIM(array, 0), size = PyArray_ITEMSIZE(array);
    char *buffer = malloc((size_t)(broken && PyArray_TYPE(array) == NPY_USHORT ? n : n * size) + 1);
    for (npy_intp i = 0; i < n * size; i++)
        ((volatile char *)buffer)[i] = 1;
    free(buffer);
    return PyLong_FromSsize_t(n);
}
PAIR(half)

/* No dimension: sums in a place that all threads share. */
INLINE PyObject *do_scalar(PyObject *x, bool broken)
{
    volatile double own;
    if (!PyArray_Check(x) || PyArray_TYPE((PyArrayObject *)x) != NPY_DOUBLE) {
        PyErr_SetString(PyExc_TypeError, "x must be an array of float64");
        return NULL;
    }
    bool shares = broken && PyArray_NDIM((PyArrayObject *)x) == 0;
    double value = PyArray_SIZE((PyArrayObject *)x) > 0 ? *(double *)PyArray_DATA((PyArrayObject *)x) : 0;
    return sum_slowly(value, shares ? &shared_sum : &own);
}
PAIR(scalar)

/* Arguments that overlap: frees the copy that is made for this case twice. */
INLINE PyObject *do_shift(PyObject *args, bool broken)
{
    PyObject *x, *y;
    if (!PyArg_ParseTuple(args, "OO", &x, &y))
        return NULL;
    PyArrayObject *a = vector(x), *b = a ? vector(y) : NULL;
    if (!b)
        return NULL;
    char *from = PyArray_BYTES(a), *to = PyArray_BYTES(b);
    bool overlaps = from < to && to < from + PyArray_NBYTES(a);
    char *volatile copy = overlaps ? malloc(64) : NULL;
    free(copy);
    if (overlaps && broken)
        free(copy);
    return PyFloat_FromDouble(sum_of(a) + sum_of(b));
}
PAIR(shift)

/* An integer below zero: writes before a table, of which only the end is checked. */
INLINE PyObject *do_count(PyObject *number, bool broken)
{
    long long place = PyLong_AsLongLong(number);
    if (place == -1 && PyErr_Occurred())
        return NULL;
    if (place >= 64 || (place < (broken ? -64 : 0))) {
        PyErr_SetString(PyExc_IndexError, "no such place");
        return NULL;
    }
    char *table = calloc(64, 1);
    ((volatile char *)table)[place] = 1;
    free(table);
    return PyLong_FromLong(1);
}
PAIR(count)

/* A large integer: the size of the buffer is computed in 16 bits. */
INLINE PyObject *do_room(PyObject *number, bool broken)
{
    long long n = PyLong_AsLongLong(number);
    if (n == -1 && PyErr_Occurred())
        return NULL;
    if (n < 0 || n > 10000000) {
        PyErr_SetString(PyExc_ValueError, "no such size");
        return NULL;
    }
    char *room = malloc(broken ? (size_t)(unsigned short)n + 1 : (size_t)n + 1);
    ((volatile char *)room)[n] = 1;
    free(room);
    return PyLong_FromLong(1);
}
PAIR(room)

/* An empty list: reads its first item. */
INLINE PyObject *do_join(PyObject *items, bool broken)
{
    if (!PyList_Check(items) || (PyList_GET_SIZE(items) == 0 && !broken)) {
        PyErr_SetString(PyExc_TypeError, "items must be a list with items");
        return NULL;
    }
    PyObject **volatile first = ((PyListObject *)items)->ob_item;
    return PyLong_FromLong(*(PyObject *volatile *)first == Py_None);
}
PAIR(join)

/* A keyword: with it, sums in a place that all threads share. */
INLINE PyObject *do_fold(PyObject *args, PyObject *named, bool broken)
{
    static char *names[] = {"x", "fold", NULL};
    PyObject *x;
    int folds = 0;
    volatile double own;
    if (!PyArg_ParseTupleAndKeywords(args, named, "O|$p", names, &x, &folds))
        return NULL;
    PyArrayObject *array = vector(x);
    return array ? sum_slowly(sum_of(array), folds && broken ? &shared_sum : &own) : NULL;
}

static PyObject *fold(PyObject *Py_UNUSED(module), PyObject *args, PyObject *named)
{
    return do_fold(args, named, true);
}

static PyObject *fold_twin(PyObject *Py_UNUSED(module), PyObject *args, PyObject *named)
{
    return do_fold(args, named, false);
}

/* Two callables at once: `load` replaces a table under a lock; `look` reads it without the lock. */
static struct table {
    PyMutex lock;
    double *values;
} tables[2];

INLINE PyObject *do_load(PyObject *x, bool broken)
{
    struct table *table = &tables[broken];
    PyArrayObject *array = vector(x);
    if (!array)
        return NULL;
    double *values = malloc(64), value = PyArray_DIM(array, 0) > 0 ? *(double *)PyArray_DATA(array) : 0;
    for (int i = 0; i < 8; i++)
        values[i] = value;
    PyMutex_Lock(&table->lock);
    free(table->values);
    table->values = values;
    PyMutex_Unlock(&table->lock);
    return PyLong_FromLong(1);
}
PAIR(load)

static bool read_table(struct table *table)
{
    const volatile double *values = table->values;
    bool same = true;
    for (int i = 0; values && i < 8; i++) {
        same &= values[i] == values[0];
        planted_spin();
    }
    return same;
}

INLINE PyObject *do_look(PyObject *x, bool broken)
{
    struct table *table = &tables[broken];
    if (!vector(x))
        return NULL;
    if (!broken)
        PyMutex_Lock(&table->lock);
    bool same = read_table(table);
    if (!broken)
        PyMutex_Unlock(&table->lock);
    return PyBool_FromLong(same || true);
}
PAIR(look)

/* Three calls on one object: `fill`, `drop` and `total` read a block that `drop` freed. */
struct ring {
    PyObject_HEAD PyMutex lock;
    double *values;
    npy_intp n;
    bool broken;
};

static PyObject *ring_fill(PyObject *self, PyObject *x)
{
    struct ring *ring = (struct ring *)self;
    PyArrayObject *array = vector(x);
    if (!array)
        return NULL;
    npy_intp n = PyArray_DIM(array, 0);
    double *values = calloc((size_t)n + 1, sizeof *values), *old;
    for (npy_intp i = 0; i < n; i++)
        values[i] = *(double *)PyArray_GETPTR1(array, i);
    PyMutex_Lock(&ring->lock);
    old = ring->n >= 0 ? ring->values : NULL;
    ring->values = values;
    ring->n = n;
    PyMutex_Unlock(&ring->lock);
    free(old);
    return PyLong_FromSsize_t(n);
}

static PyObject *ring_drop(PyObject *self, PyObject *Py_UNUSED(args))
{
    struct ring *ring = (struct ring *)self;
    PyMutex_Lock(&ring->lock);
    bool had = ring->n >= 0;
    if (had)
        free(ring->values);
    if (!ring->broken)
        ring->values = NULL;
    ring->n = -1;
    PyMutex_Unlock(&ring->lock);
    return PyBool_FromLong(had);
}

static PyObject *ring_total(PyObject *self, PyObject *Py_UNUSED(args))
{
    struct ring *ring = (struct ring *)self;
    PyMutex_Lock(&ring->lock);
    double first = ring->values ? *(volatile double *)ring->values : 0;
    PyMutex_Unlock(&ring->lock);
    return PyFloat_FromDouble(first);
}

static PyObject *ring_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    struct ring *ring = PyArg_ParseTuple(args, "") && !named ? (struct ring *)type->tp_alloc(type, 0) : NULL;
    if (ring) {
        ring->n = -1;
        ring->broken = strcmp(type->tp_name, "forms.Ring") == 0;
    }
    return (PyObject *)ring;
}

static void ring_delete(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (((struct ring *)self)->n >= 0)
        free(((struct ring *)self)->values);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef ring_methods[] = {{"fill", ring_fill, METH_O, NULL},
                                     {"drop", ring_drop, METH_NOARGS, NULL},
                                     {"total", ring_total, METH_NOARGS, NULL},
                                     {NULL, NULL, 0, NULL}};
static PyType_Slot ring_slots[] = {{Py_tp_new, (void *)ring_new},
                                   {Py_tp_dealloc, (void *)ring_delete},
                                   {Py_tp_methods, ring_methods},
                                   {0, NULL}};
static PyType_Spec ring_spec = {"forms.Ring", sizeof(struct ring), 0, Py_TPFLAGS_DEFAULT, ring_slots};
static PyType_Spec twin_spec = {"forms.RingTwin", sizeof(struct ring), 0, Py_TPFLAGS_DEFAULT, ring_slots};

static int exec(PyObject *module)
{
    if (PyArray_ImportNumPyAPI() < 0 || PyModule_Add(module, "Ring", PyType_FromSpec(&ring_spec)) < 0)
        return -1;
    return PyModule_Add(module, "RingTwin", PyType_FromSpec(&twin_spec));
}

#define ROWS(name, flags)                                                                                    \
    {#name, name, flags, NULL},                                                                              \
    {                                                                                                        \
#name "_twin", name##_twin, flags, NULL                                                              \
    }
#define NAMED(name)                                                                                          \
    {                                                                                                        \
#name, (PyCFunction)(void *)name, METH_VARARGS | METH_KEYWORDS,                                      \
            #name "(x, /, *, fold=False)\n--\n\n"                                                            \
    }

static PyMethodDef methods[] = {ROWS(backward, METH_O), ROWS(hollow, METH_O), ROWS(frozen, METH_O),
                                ROWS(half, METH_O),     ROWS(scalar, METH_O), ROWS(shift, METH_VARARGS),
                                ROWS(count, METH_O),    ROWS(room, METH_O),   ROWS(join, METH_O),
                                ROWS(load, METH_O),     ROWS(look, METH_O),   NAMED(fold),
                                NAMED(fold_twin),       {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)exec}, {Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "forms", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_forms(void)
{
    return PyModuleDef_Init(&definition);
}
