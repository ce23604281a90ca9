/* Exceptions that the statements raise on purpose, by the plan's key `raises`. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "child/run/run.h"
#include "core/wire/status.h"
#include "detectors/leak/census.h"

bool run_declares(const struct run *run, PyObject *raised)
{
    PyObject *bases = Py_TYPE(raised)->tp_mro;
    char name[256];
    for (Py_ssize_t i = 0; run->plan->nraises > 0 && i < PyTuple_GET_SIZE(bases); i++) {
        census_type_name((PyTypeObject *)PyTuple_GET_ITEM(bases, i), name, sizeof name);
        if (plan_declares(run->plan, name))
            return true;
    }
    return false;
}

/* Does the declared name fit this class or one derived from it? */
static bool is_derived(PyObject *class, const char *declared)
{
    char name[256];
    census_type_name((PyTypeObject *)class, name, sizeof name);
    if (plan_names_class(name, declared, strlen(declared)))
        return true;
    PyObject *derived = PyObject_CallMethod((PyObject *)&PyType_Type, "__subclasses__", "O", class);
    bool found = false;
    for (Py_ssize_t i = 0; derived && !found && i < PyList_GET_SIZE(derived); i++)
        found = is_derived(PyList_GET_ITEM(derived, i), declared);
    Py_XDECREF(derived);
    return found;
}

/* Imports the module of a name with several parts: statements may import it at the first failure only. *ret_name: the
 * name of the class that the module has there, if it is another one; or "". */
static bool is_exception(const char *declared, char *ret_name, size_t size)
{
    const char *dot = strrchr(declared, '.');
    ret_name[0] = '\0';
    if (is_derived(PyExc_BaseException, declared))
        return true;
    if (!dot)
        return false;
    snprintf(ret_name, size, "%.*s", (int)(dot - declared), declared);
    PyObject *module = PyImport_ImportModule(ret_name);
    PyObject *class = module ? PyObject_GetAttrString(module, dot + 1) : NULL;
    ret_name[0] = '\0';
    if (class && PyExceptionClass_Check(class))
        census_type_name((PyTypeObject *)class, ret_name, size);
    Py_XDECREF(class);
    Py_XDECREF(module);
    PyErr_Clear();
    return is_derived(PyExc_BaseException, declared);
}

static bool check_name(const struct run *run, const char *declared)
{
    char name[256];
    if (is_exception(declared, name, sizeof name))
        return true;
    if (*name)
        run_cannot(run, STATUS_USAGE, "raises: the exception '%s' has the name '%s'; write that", declared,
                   name);
    else
        run_cannot(
            run, STATUS_USAGE,
            "raises: no exception is named '%s' after the setup and the first calls; correct the name, or "
            "write its module before it",
            declared);
    return false;
}

bool run_check_raises(const struct run *run)
{
    bool known = true;
    for (unsigned i = 0; i < run->plan->nraises; i++) {
        const char *at = run->plan->raises[i];
        for (size_t length; known && (length = text_next_name(&at)) > 0; at += length) {
            char name[128];
            snprintf(name, sizeof name, "%.*s", (int)length, at);
            known = check_name(run, name);
        }
    }
    return known;
}
