#define FTSTRESS_IMPORT_ARRAY
#include "detectors/common/array_api.h"

static bool ready;

int array_api_import(void)
{
    if (ready)
        return 0;
    if (PyArray_ImportNumPyAPI() < 0)
        return -1;
    ready = true;
    return 0;
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

bool array_api_is_ready(void)
{
    return ready;
}
