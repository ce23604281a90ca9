/* Sums its input with the first element raised by one, in the input itself, and restores it.
 * inplace() changes its input for good, on purpose. */
#define PLANTED_NUMPY
#include "planted.h"

struct vector {
    char *data;
    npy_intp length;
    npy_intp stride;
};

static volatile double *at(const struct vector *v, npy_intp i)
{
    return (volatile double *)(v->data + i * v->stride);
}

/* Fills ret_vector from a one-dimensional, aligned float64 array in native order. Returns 0, or -1 with
 * TypeError. */
static int as_vector(PyObject *x, struct vector *ret_vector)
{
    PyArrayObject *array = planted_array(x);
    if (!array)
        return -1;
    if (PyArray_NDIM(array) != 1 || PyArray_TYPE(array) != NPY_DOUBLE || PyArray_SIZE(array) == 0 ||
        !PyArray_ISBEHAVED_RO(array)) {
        PyErr_SetString(PyExc_TypeError, "x must be a vector of at least one native float64");
        return -1;
    }
    *ret_vector = (struct vector){PyArray_BYTES(array), PyArray_DIM(array, 0), PyArray_STRIDE(array, 0)};
    return 0;
}

static double sum(const struct vector *v)
{
    double total = 0;
    for (npy_intp i = 0; i < v->length; i++)
        total += *at(v, i);
    return total;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *x)
{
    struct vector v;
    if (as_vector(x, &v) < 0)
        return NULL;
    /* Restores the saved value: subtracting one would not give 0.1 again. */
    double first = *at(&v, 0);
    *at(&v, 0) = first + 1.0;
    double total = sum(&v);
    *at(&v, 0) = first;
    return PyFloat_FromDouble(total);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *x)
{
    struct vector v;
    if (as_vector(x, &v) < 0)
        return NULL;
    double *copy = PyMem_New(double, (size_t)v.length);
    if (!copy)
        return PyErr_NoMemory();
    for (npy_intp i = 0; i < v.length; i++)
        copy[i] = *at(&v, i);
    copy[0] += 1.0;
    double total = sum(&(struct vector){(char *)copy, v.length, sizeof *copy});
    PyMem_Free(copy);
    return PyFloat_FromDouble(total);
}

static PyObject *inplace(PyObject *Py_UNUSED(module), PyObject *x)
{
    struct vector v;
    if (as_vector(x, &v) < 0 || PyArray_FailUnlessWriteable((PyArrayObject *)x, "x") < 0)
        return NULL;
    for (npy_intp i = 0; i < v.length; i++)
        *at(&v, i) += 1.0;
    Py_RETURN_NONE;
}

/* Changes the input in 50 instructions, which together change nothing. The number keeps the compiler from merging
 * these. */
#define FIFTY(number, at)                                                                                    \
    __asm__ volatile("# " #number "\n .rept 25\n incb (%0)\n decb (%0)\n .endr" : : "r"(at) : "memory", "cc")

/* Six calls in turn write in 300 instructions: more than the detector keeps apart. */
static PyObject *many(PyObject *Py_UNUSED(module), PyObject *x)
{
    static int turn;
    struct vector v;
    if (as_vector(x, &v) < 0)
        return NULL;
    switch (turn++ % 6) {
    case 0:
        FIFTY(0, v.data);
        break;
    case 1:
        FIFTY(1, v.data);
        break;
    case 2:
        FIFTY(2, v.data);
        break;
    case 3:
        FIFTY(3, v.data);
        break;
    case 4:
        FIFTY(4, v.data);
        break;
    default:
        FIFTY(5, v.data);
    }
    Py_RETURN_NONE;
}

/* One call writes in 100 instructions. */
static PyObject *more(PyObject *Py_UNUSED(module), PyObject *x)
{
    struct vector v;
    if (as_vector(x, &v) < 0)
        return NULL;
    FIFTY(6, v.data);
    FIFTY(7, v.data);
    Py_RETURN_NONE;
}

PLANTED_MODULE(tripwire_data, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL},
               {"inplace", inplace, METH_O, NULL}, {"many", many, METH_O, NULL}, {"more", more, METH_O, NULL})
