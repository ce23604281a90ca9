#define FTSTRESS_IMPORT_ARRAY
#include "detectors/common/array_api.h"

int array_api_import(void)
{
    if (PyArray_ImportNumPyAPI() == 0)
        return 0;
    /* NumPy stores the table before it checks the version. */
    PyArray_API = NULL;
    return -1;
}

void array_api_adopt(void)
{
    PyObject *name = PyUnicode_FromString("numpy");
    PyObject *numpy = name ? PyImport_GetModule(name) : NULL;
    if (numpy && array_api_import() < 0)
        PyErr_Clear();
    Py_XDECREF(numpy);
    Py_XDECREF(name);
}
