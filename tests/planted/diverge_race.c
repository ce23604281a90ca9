/* Sums its input in one accumulator for all threads: two threads that meet mix their numbers, with no other effect. */
#define PLANTED_NUMPY
#include "planted.h"

static volatile double shared_total;

/* Borrowed, or NULL with TypeError. */
static PyArrayObject *as_vector(PyObject *x)
{
    PyArrayObject *array = planted_array(x);
    if (!array ||
        (PyArray_NDIM(array) == 1 && PyArray_TYPE(array) == NPY_DOUBLE && PyArray_ISBEHAVED_RO(array)))
        return array;
    PyErr_SetString(PyExc_TypeError, "x must be a vector of native float64");
    return NULL;
}

/* Waits a moment before it reads the sum. */
static PyObject *sum_in(PyObject *x, volatile double *total)
{
    PyArrayObject *array = as_vector(x);
    if (!array)
        return NULL;
    planted_enter();
    *total = 0;
    for (npy_intp i = 0; i < PyArray_DIM(array, 0); i++)
        *total += *(volatile double *)PyArray_GETPTR1(array, i);
    planted_spin();
    double sum = *total;
    planted_leave();
    return PyFloat_FromDouble(sum);
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *x)
{
    return sum_in(x, &shared_total);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *x)
{
    volatile double total;
    return sum_in(x, &total);
}

PLANTED_MODULE(diverge_race, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
