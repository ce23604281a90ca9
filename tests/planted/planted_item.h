/* Instances of a type that the collector does not track, as nanobind's are. */
#pragma once

#include "planted.h"

static PyTypeObject item_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = PLANTED_ITEM ".Item",
    .tp_basicsize = sizeof(PyObject) + 16,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

static PyObject *new_item(void)
{
    return PyType_Ready(&item_type) < 0 ? NULL : PyObject_New(PyObject, &item_type);
}
