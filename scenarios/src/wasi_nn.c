/* The reference-count bugs of WasmEdge's WASI-NN Neural Speed plugin (WasmEdge#3596), in the structure of the plugin: a
 * graph loads a model from a Python factory, and computes on a list of lists of numbers. A parameter selects one bug;
 * without it the same code is right. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <string.h>

enum fault {
    NONE,
    DOUBLE_RELEASE,   /* the error path releases an object that the destructor releases again */
    BORROWED_RELEASE, /* releases list items that are only borrowed */
    LOST_STRING,      /* a string made for one argument is never released */
    UNINITIALISED,    /* the destructor of a graph that never loaded releases members that were never set */
    EARLY_RETURN,     /* an error returns early and loses the objects made before it */
    UNATTACHED,       /* Python is called without a thread state */
    FAULTS
};

static const char *const fault_names[FAULTS] = {
    [NONE] = "none",
    [DOUBLE_RELEASE] = "double_release",
    [BORROWED_RELEASE] = "borrowed_release",
    [LOST_STRING] = "lost_string",
    [UNINITIALISED] = "uninitialised",
    [EARLY_RETURN] = "early_return",
    [UNATTACHED] = "unattached",
};

struct graph {
    PyObject *factory, *model;
};

/* The plugin's members had no initial value. Here the caller's last object stands for the random value, so that the bug
 * shows each time. */
static void graph_begin(struct graph *graph, PyObject *chance, enum fault fault)
{
    memset(graph, 0, sizeof *graph);
    if (fault == UNINITIALISED)
        graph->model = chance;
}

static void graph_end(struct graph *graph)
{
    Py_XDECREF(graph->model);
    Py_XDECREF(graph->factory);
}

/* Takes the error path of the plugin for a model without a name. */
static int graph_load(struct graph *graph, PyObject *factory, PyObject *model, enum fault fault)
{
    graph->factory = Py_NewRef(factory);
    graph->model = Py_NewRef(model);
    PyObject *key = PyUnicode_FromFormat("%s of a graph", "name");
    int found = key ? PyMapping_HasKey(graph->factory, key) : 0;
    if (fault != LOST_STRING)
        Py_XDECREF(key);
    if (found)
        return 0;
    if (fault == DOUBLE_RELEASE) {
        Py_DECREF(graph->model);
        Py_DECREF(graph->factory);
    }
    return -1;
}

/* Adds up one row. Returns the number of items, or -1 if one is no number. */
static int add_row(PyObject *row, double *sum, enum fault fault)
{
    Py_ssize_t n = PyList_Check(row) ? PyList_GET_SIZE(row) : 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PyList_GetItem(row, i);
        *sum += PyFloat_AsDouble(item);
        if (fault == BORROWED_RELEASE)
            Py_DECREF(item);
        if (PyErr_Occurred())
            return -1;
    }
    return (int)n;
}

/* Returns the tensor for the model: the rows, and the number of their items. */
static PyObject *graph_compute(PyObject *rows, enum fault fault)
{
    double sum = 0;
    PyObject *sizes = PyList_New(0);
    for (Py_ssize_t i = 0; sizes && i < PyList_GET_SIZE(rows); i++) {
        int n = add_row(PyList_GetItem(rows, i), &sum, fault);
        PyObject *size = n < 0 ? NULL : PyLong_FromLong(1000 + n);
        int result = size ? PyList_Append(sizes, size) : -1;
        Py_XDECREF(size);
        if (result == 0)
            continue;
        if (fault != EARLY_RETURN)
            Py_DECREF(sizes);
        return NULL;
    }
    PyObject *tensor = sizes ? Py_BuildValue("(Od)", sizes, sum) : NULL;
    Py_XDECREF(sizes);
    return tensor;
}

/* The plugin called Python from threads that had no thread state. */
static PyObject *make_unattached(void)
{
    PyThreadState *state = PyEval_SaveThread();
    PyObject *text = PyUnicode_FromFormat("made without a thread, %d", 1);
    PyEval_RestoreThread(state);
    return text;
}

static int parse_fault(const char *name, enum fault *ret_fault)
{
    for (int i = 0; i < FAULTS; i++)
        if (strcmp(fault_names[i], name) == 0) {
            *ret_fault = (enum fault)i;
            return 0;
        }
    PyErr_Format(PyExc_ValueError, "there is no fault '%s'", name);
    return -1;
}

/* load(factory, model, fault): returns True, or False if the factory has no name for the model. */
static PyObject *load(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *factory, *model;
    const char *name;
    enum fault fault;
    struct graph graph;
    if (!PyArg_ParseTuple(arguments, "O!Os", &PyDict_Type, &factory, &model, &name) ||
        parse_fault(name, &fault) < 0)
        return NULL;
    if (fault == UNATTACHED)
        return make_unattached();
    graph_begin(&graph, model, fault);
    int result = fault == UNINITIALISED ? -1 : graph_load(&graph, factory, model, fault);
    graph_end(&graph);
    return PyBool_FromLong(result == 0);
}

/* compute(rows, fault): returns the tensor of a list of lists of numbers. */
static PyObject *compute(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *rows;
    const char *name;
    enum fault fault;
    if (!PyArg_ParseTuple(arguments, "O!s", &PyList_Type, &rows, &name) || parse_fault(name, &fault) < 0)
        return NULL;
    return graph_compute(rows, fault);
}

static PyMethodDef methods[] = {
    {"load", load, METH_VARARGS, NULL},
    {"compute", compute, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "wasi_nn", NULL, 0, methods, slots, NULL, NULL, NULL,
};

/* NOLINTNEXTLINE(readability-identifier-naming): Python looks for this name */
PyMODINIT_FUNC PyInit_wasi_nn(void)
{
    return PyModuleDef_Init(&module);
}
