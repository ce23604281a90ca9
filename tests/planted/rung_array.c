/* Adds up its input twice and aborts if the sums differ. It stands for a function that counts, and then fills a
 * buffer of that size. No harm without a thread that writes to the input. */
#define PLANTED_NUMPY
#include "planted.h"

#include <stdlib.h>

static unsigned long add_up(PyArrayObject *array)
{
    const volatile unsigned char *bytes = PyArray_DATA(array);
    unsigned long sum = 0;
    for (npy_intp i = 0; i < PyArray_NBYTES(array); i++)
        sum = sum * 31 + bytes[i];
    return sum;
}

static PyObject *run(PyObject *x, bool counts)
{
    PyArrayObject *array = planted_array(x);
    if (!array)
        return NULL;
    unsigned long before = add_up(array);
    planted_spin();
    if (counts && add_up(array) != before)
        abort();
    Py_RETURN_NONE;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *x)
{
    return run(x, true);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *x)
{
    return run(x, false);
}

PLANTED_MODULE(rung_array, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
