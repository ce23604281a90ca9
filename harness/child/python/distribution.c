#include "child/python/distribution.h"

#include <Python.h>

#include "base/embed.h"
#include "core/wire/record.h"

EMBED(distribution_source, FTSTRESS_DISTRIBUTION);

static void send_file(int wire, PyObject *row)
{
    const char *path, *name, *owner, *version;
    if (!PyArg_ParseTuple(row, "ssss", &path, &name, &owner, &version))
        return;
    RECORD_SEND(wire, RECORD_PACKAGE, .texts = {path, name, owner});
    if (*version)
        record_send_text(RECORD_ENVIRONMENT, version, wire);
}

/* Returns the namespace of the Python functions. It lives until Python ends. */
static PyObject *names_of(void)
{
    static PyObject *names;
    if (names)
        return names;
    names = PyDict_New();
    PyObject *result = names ? PyRun_String(distribution_source, Py_file_input, names, names) : NULL;
    if (!result)
        Py_CLEAR(names);
    Py_XDECREF(result);
    return names;
}

void distribution_send(int wire)
{
    PyObject *names = names_of();
    PyObject *rows = names ? PyRun_String("new()", Py_eval_input, names, names) : NULL;
    for (Py_ssize_t i = 0; rows && i < PyList_GET_SIZE(rows); i++)
        send_file(wire, PyList_GET_ITEM(rows, i));
    PyErr_Clear();
    Py_XDECREF(rows);
}
