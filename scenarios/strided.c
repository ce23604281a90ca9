/* Makes and releases a strided view of the first input: array objects are allocated and released at full speed, on a
 * buffer that all threads share. If the plan's setup has a name `ufunc`, the step is ufunc(view, view).
 */
#include <ftstress/scenario.h>

#include <stdlib.h>

#define NO_IMPORT_ARRAY
#include <numpy/arrayobject.h>

struct strided {
    PyArray_Descr *descr;
    /* The base of the views in place of the shared array: otherwise all threads would contend for the reference count
     * of one object. */
    PyObject *keeper;
    PyObject *ufunc; /* or NULL */
    /* One view that stays: without it, each release would empty the allocator's page and return it. */
    PyObject *companion;
    char *data;
    npy_intp length, stride;
};

static void drop_array(PyObject *capsule)
{
    Py_DECREF((PyObject *)PyCapsule_GetPointer(capsule, NULL));
}

static PyObject *make_view(struct strided *strided)
{
    Py_INCREF(strided->descr);
    PyObject *view = PyArray_NewFromDescr(&PyArray_Type, strided->descr, 1, &strided->length,
                                          &strided->stride, strided->data, NPY_ARRAY_WRITEABLE, NULL);
    if (view && PyArray_SetBaseObject((PyArrayObject *)view, Py_NewRef(strided->keeper)) < 0)
        Py_CLEAR(view);
    return view;
}

static int strided_begin(const struct ft_worker *worker, void **ret_state)
{
    PyObject *input = worker->ninputs > 0 ? worker->inputs[0] : NULL;
    if (!input || !PyArray_Check(input) || PyArray_NDIM((PyArrayObject *)input) != 1) {
        PyErr_SetString(PyExc_TypeError, "the scenario needs one input with one dimension");
        return -1;
    }
    struct strided *strided = calloc(1, sizeof *strided);
    if (!strided) {
        PyErr_NoMemory();
        return -1;
    }
    PyArrayObject *array = (PyArrayObject *)input;
    strided->keeper = PyCapsule_New(Py_NewRef(input), NULL, drop_array);
    strided->ufunc = Py_XNewRef(PyDict_GetItemString(worker->names, "ufunc"));
    strided->descr = PyArray_DESCR(array);
    strided->data = PyArray_DATA(array);
    strided->length = (PyArray_DIM(array, 0) + 1) / 2;
    strided->stride = 2 * PyArray_STRIDE(array, 0);
    strided->companion = make_view(strided);
    *ret_state = strided;
    return strided->companion ? 0 : -1;
}

static PyObject *strided_step(const struct ft_worker *worker, void *state)
{
    (void)worker;
    struct strided *strided = state;
    PyObject *view = make_view(strided);
    if (!view || !strided->ufunc)
        return view;
    PyObject *arguments[] = {NULL, view, view};
    PyObject *result =
        PyObject_Vectorcall(strided->ufunc, arguments + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(view);
    return result;
}

static void strided_end(void *state)
{
    struct strided *strided = state;
    Py_XDECREF(strided->companion);
    Py_XDECREF(strided->ufunc);
    Py_XDECREF(strided->keeper);
    free(strided);
}

const struct ft_scenario strided_scenario = {
    .name = "strided",
    .begin = strided_begin,
    .step = strided_step,
    .end = strided_end,
};
