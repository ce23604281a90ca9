/* Reads the length of a list twice and aborts if it has shrunk. It stands for a function that then reads freed items.
 * No harm without a thread that changes the list. */
#include "planted.h"

#include <stdlib.h>

static PyObject *run(PyObject *list, bool counts)
{
    Py_ssize_t before = PyList_Size(list);
    if (before < 0)
        return NULL;
    planted_spin();
    if (counts && PyList_Size(list) < before)
        abort();
    Py_RETURN_NONE;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *list)
{
    return run(list, true);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *list)
{
    return run(list, false);
}

PLANTED_MODULE(rung_list, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
