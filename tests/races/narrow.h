/* What the files of the module `narrow` share. Each file is one race and its clean twin, written as users write
 * them: no header of ftstress, no sleeps, no counters of threads. Any Python thread may call the functions,
 * attached. */
#pragma once

#include <Python.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Adds the functions or the type of one race to the module. Returns 0, or -1 with an exception. */
int narrow_add_aba(PyObject *module);
int narrow_add_check_then_act(PyObject *module);
int narrow_add_double_checked(PyObject *module);
int narrow_add_lazy(PyObject *module);
int narrow_add_lock_order(PyObject *module);
int narrow_add_lost_update(PyObject *module);
int narrow_add_order(PyObject *module);
int narrow_add_publication(PyObject *module);
int narrow_add_reference_count(PyObject *module);
int narrow_add_torn_pair(PyObject *module);

static inline int narrow_add_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    int result = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;
    Py_XDECREF(type);
    return result;
}

/* Returns false with an exception if the argument is no C long. */
static inline bool narrow_long(PyObject *argument, long *ret)
{
    *ret = PyLong_AsLong(argument);
    return *ret != -1 || !PyErr_Occurred();
}
