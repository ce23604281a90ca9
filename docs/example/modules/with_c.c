/* A function in C that keeps its last result: root(x), and root_locked(x) with a mutex. */
#include <Python.h>
#include <math.h>

static double last_x, last_root;
static PyMutex mutex;

static double root_of(double x)
{
    if (x != last_x) {
        last_x = x; /* another thread may return the old root for this x now */
        last_root = sqrt(x);
    }
    return last_root;
}

static PyObject *root(PyObject *Py_UNUSED(module), PyObject *argument)
{
    double x = PyFloat_AsDouble(argument);
    return PyErr_Occurred() ? NULL : PyFloat_FromDouble(root_of(x));
}

static PyObject *root_locked(PyObject *Py_UNUSED(module), PyObject *argument)
{
    double x = PyFloat_AsDouble(argument);
    if (PyErr_Occurred())
        return NULL;
    PyMutex_Lock(&mutex);
    double result = root_of(x);
    PyMutex_Unlock(&mutex);
    return PyFloat_FromDouble(result);
}

static PyMethodDef methods[] = {
    {"root", root, METH_O, NULL},
    {"root_locked", root_locked, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_gil, Py_MOD_GIL_NOT_USED}, /* else the import turns the GIL on */
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "with_c",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_with_c(void)
{
    return PyModuleDef_Init(&definition);
}
